"""The times that all sources of routes have in common after an outage."""

RETENTION = 60.0
"""Seconds that objects missing after an outage have to come back: their source may have lost its state."""

STABLE_SECONDS = 5.0
"""A connection that lasted this many seconds is replaced at once; one that ended sooner is a failure."""
