"""Stand-ins for Sales AI's providers; docs/providers.md names the API versions."""
