"""How can a check be kept from looking? One module per system."""
