"""The agent as a process: its threads, its publication loop, its heartbeat and its end."""
