"""Which servers can the lab be made of? None of them knows a system."""
