"""What is said about a run? Outcomes, roots, and every report made from the same results."""
