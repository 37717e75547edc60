"""Results: model, roots, verdict, document."""
