"""The built-in checks: one module for each area, one check for each symptom."""
