"""Mutation campaigns (`make mutation`): change checks, probes and handles a little, and count what is noticed."""
