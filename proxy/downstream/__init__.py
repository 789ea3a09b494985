"""The client's side: its connection, the serving loop, and the observers of its requests."""
