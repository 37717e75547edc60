"""Output files, streams and destinations."""
