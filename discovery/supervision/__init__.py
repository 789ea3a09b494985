"""Supervision of providers: restarts them, and holds the latest configuration and status of each."""
