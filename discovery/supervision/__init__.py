"""Keeps providers running, and holds the latest configuration and state of each."""
