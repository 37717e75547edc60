"""The runbook-checks command and its subcommands."""
