"""Files, processes and variables of the own host."""
