"""Mutation campaigns (`make mutation`): make small changes to checks, probes and handles, and count those detected."""
