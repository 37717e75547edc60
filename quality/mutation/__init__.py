"""Would anybody notice if a check were wrong? Small changes to checks/, each held against the faults of its symptom."""
