"""What is ReverseAI in the lab? An admin and workspace API, a database with workspaces in it, and its fronts."""
