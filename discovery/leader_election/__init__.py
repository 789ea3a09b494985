"""Leader election: one agent at a time holds the lease to write to the store."""
