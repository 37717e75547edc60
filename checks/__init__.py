"""What should be true? One module per area, one check per symptom."""
