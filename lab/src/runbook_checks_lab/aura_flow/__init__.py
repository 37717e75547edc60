"""Aura Flow: nginx before a static front end and a back end."""
