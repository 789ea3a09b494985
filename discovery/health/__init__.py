"""Active health checks: servers are asked whether they are well, and what they say becomes their state."""
