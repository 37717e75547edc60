"""Sales AI Automation V3, as far as the checks look at it."""
