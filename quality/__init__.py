"""Measures of the checks' quality: detection matrix, mutation, soak."""
