"""Backups, and restoring them on a scratch server."""
