"""Merges the configurations of containers, files and providers into one; pure functions of values."""
