"""The pytest plugin: options, selection, scheduling, records."""
