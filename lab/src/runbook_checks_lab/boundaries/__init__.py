"""States just inside and just outside a limit; one module per system.

A fault is far beyond the limit. These states are near it and show whether the check has the limit in the right place.
"""
