"""The agent as a process: its threads, publication loop, heartbeat and termination."""

from rondpoint.store.client_library import import_redis

# Before any module of the agent imports it.
import_redis()
