"""What can be taken from the checks of any system? For each of them to register as its own (see faults/shared)."""
