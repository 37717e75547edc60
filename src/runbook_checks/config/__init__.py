"""Environment and runbook files: read, validated, with secrets by reference."""
