"""`/metrics`: what all workers have counted, in the form that Prometheus reads."""
