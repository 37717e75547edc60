"""Log files, commands, Loki and CloudWatch Logs."""
