"""Tokens and signatures."""
