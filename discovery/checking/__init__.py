"""Checks configuration files for `rondpoint check`, without starting anything."""
