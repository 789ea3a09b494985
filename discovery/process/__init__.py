"""The agent as a process: its threads, publication loop, heartbeat and termination."""
