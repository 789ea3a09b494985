"""Requests of the proxy's own to services of the configuration, such as one for an error page."""
