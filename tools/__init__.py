"""What sets a clone up: its virtual environment, its toolbox, its pinned requirements."""
