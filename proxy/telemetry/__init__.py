"""What a worker knows of the requests it has answered: counts and times, and the access log."""
