"""What lies just inside and just outside of a limit? One module per system.

A fault is far beyond the limit; these are near it, and tell whether the check has the limit in the right place.
"""
