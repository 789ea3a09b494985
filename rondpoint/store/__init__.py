"""The Redis contract between agents and proxies, documented in `docs/reference/redis.md`."""
