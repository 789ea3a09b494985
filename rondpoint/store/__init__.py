"""The Redis contract: what the agent writes and workers read, documented in `docs/reference/redis.md`."""
