"""What is AI Customer Service in the lab? A service, its database, its fronts and its files."""
