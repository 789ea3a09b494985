"""The only code that talks to Docker engines: their API, event streams, errors and stop signals.

It knows nothing about routes.
"""
