"""How good the checks are: detection matrix, mutation, soak."""
