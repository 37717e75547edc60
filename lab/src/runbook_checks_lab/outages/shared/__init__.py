"""Outages that any system can register as its own (see faults/shared)."""
