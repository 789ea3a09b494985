"""Middlewares that admit requests by their source: its address, its rate, its requests in progress."""
