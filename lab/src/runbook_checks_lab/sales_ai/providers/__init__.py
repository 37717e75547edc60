"""Stand-ins for the providers that Sales AI lives on; which versions of their APIs they follow: docs/providers.md."""
