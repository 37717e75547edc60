"""How are typical incidents told? Kept in docs/incidents.md, so that a change of wording is seen and read."""
