"""TLS handshakes and certificates."""
