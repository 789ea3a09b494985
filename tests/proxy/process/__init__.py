"""Workers that come and go, and many connections at once: real processes, bounded in time."""
