"""Decides which certificates are wanted, which of them are due, and when; pure functions."""
