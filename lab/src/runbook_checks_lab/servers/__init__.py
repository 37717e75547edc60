"""Servers that the lab is made of; none of them depends on a system."""
