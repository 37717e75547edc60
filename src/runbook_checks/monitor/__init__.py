"""What happened over time, and who is told? Runs on a schedule, remembered, and alerts that are not lost."""
