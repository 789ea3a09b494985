"""Workers that start and stop, and many concurrent connections: real processes, bounded in time."""
