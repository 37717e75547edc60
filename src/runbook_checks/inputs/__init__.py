"""Addresses and files named by others: addresses with one meaning only, files read without waiting."""
