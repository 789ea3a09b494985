"""Ejects servers that are unreachable or fail passive health checks; shares ejections through the store."""
