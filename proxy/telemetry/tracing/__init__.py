"""Traces: which trace a request belongs to, and what a collector is told of it (OpenTelemetry)."""
