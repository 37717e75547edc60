"""Prometheus and its text format."""
