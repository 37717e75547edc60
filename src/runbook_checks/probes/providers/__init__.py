"""The APIs of cloud providers."""
