"""The team's own checks."""
