"""What PostgreSQL and MySQL probes share."""
