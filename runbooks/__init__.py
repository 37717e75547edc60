"""What is expected of a system, and what to do when a symptom is there? Runbook files and the texts of symptoms."""
