"""Connections to servers: dialling, pools, timeouts, and counters."""
