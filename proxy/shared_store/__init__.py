"""How requests use the store: only while it replies in time, and by few calls."""
