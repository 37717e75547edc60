"""Addresses and files that somebody else names, read in one way only and without waiting."""
