"""Live figures for open dashboards: request rates from the counts of all workers, read once a second."""
