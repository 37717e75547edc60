"""Small servers that misbehave, each on a port of its own, to be met by probes and by hand.

    python -m tests.zoo                 lists them
    python -m tests.zoo http.drips-headers

They share no code with the probes.
"""
