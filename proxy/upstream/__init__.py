"""Connections to servers: dialled, pooled, and dropped when they die."""
