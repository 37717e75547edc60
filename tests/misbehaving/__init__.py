"""Small misbehaving servers, each on its own port, for tests of probes and for running by hand.

python -m tests.misbehaving                 lists them
    python -m tests.misbehaving http.drips-headers

They share no code with the probes.
"""
