"""Which server takes the next request: schedules of weights, and tickets that all workers share."""
