"""The soak test (`make soak`): find what many runs leave behind in one process, on the machine and at the far ends."""
