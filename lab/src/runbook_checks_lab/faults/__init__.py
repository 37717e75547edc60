"""How can the lab be broken? One folder per system, one module per area, one function per cause."""
