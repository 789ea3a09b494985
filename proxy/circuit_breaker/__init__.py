"""Circuit breakers: statistics of recent requests, conditions on them, and the states that follow."""
