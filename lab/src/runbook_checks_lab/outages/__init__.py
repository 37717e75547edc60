"""Outages that prevent checks from reading; one module per system."""
