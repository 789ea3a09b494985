"""Traces: reads and writes trace context, makes spans and exports them to a collector (OpenTelemetry)."""
