"""Aura Flow: nginx in front of a static front end and a back end."""
