"""Faults that break the lab: one folder per system, one module per area, one function per cause."""
