"""Shared parts of the PostgreSQL and MySQL probes."""
