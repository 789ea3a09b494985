"""Turns servers transports into TLS contexts, for the proxy and for the health checks of the agent."""
