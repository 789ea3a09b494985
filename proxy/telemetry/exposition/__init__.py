"""The page `/metrics`: the counts of all workers in Prometheus text format or OpenMetrics."""
