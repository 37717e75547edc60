"""Sweep thousands of domains at once."""
