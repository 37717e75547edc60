"""ReverseAI in the lab: an admin and workspace API, a database with workspaces, and its fronts."""
