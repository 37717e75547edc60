"""The built-in checks: one module per area, one check per symptom."""
