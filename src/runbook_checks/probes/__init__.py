"""How to look: one package for each protocol. Probes return facts, or raise NoReading; they hold no opinion."""
