"""Where does a system run? Environment files, references to secrets, and the redaction of their values."""
