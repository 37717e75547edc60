"""Sales AI Automation V3, as far as the checks read it."""
