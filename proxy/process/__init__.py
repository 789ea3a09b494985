"""gunicorn's master and workers: how they start, succeed each other, and end."""
