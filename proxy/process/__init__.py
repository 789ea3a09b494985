"""gunicorn's master and workers: start, handover to new workers, and shutdown."""
