"""Realistic failures with all their consequences; one module per system.

A fault shows one symptom in isolation. An incident is what an on-call engineer meets: a server that has stopped, and
everything that depended on it. Consequences that the stand-ins do not produce themselves (a back end that queries its
database) are set by hand.
"""
