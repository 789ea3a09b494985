"""Middlewares that change the path of a request, or redirect the client to another URL."""
