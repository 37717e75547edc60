"""How good are the checks? Every fault against every check, in one lab with all systems; `make matrix`."""
