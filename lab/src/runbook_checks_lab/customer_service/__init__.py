"""AI Customer Service in the lab: a service, its database, its fronts and its files."""
