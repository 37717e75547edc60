"""Typical incidents as they are reported, kept in docs/incidents.md so that a review shows changed wording."""
