"""The checks of our own."""
