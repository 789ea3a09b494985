"""Metrics, access log and traces of the requests that a worker has served."""
