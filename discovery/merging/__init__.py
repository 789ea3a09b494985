"""Merges what providers found into one configuration: pure functions of values."""
