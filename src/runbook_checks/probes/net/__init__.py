"""Names, addresses and TCP connections."""
