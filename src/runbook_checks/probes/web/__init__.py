"""Web pages: their assets, and how a browser fares with them."""
