"""Counts for limits, shared by the workers of an instance."""
