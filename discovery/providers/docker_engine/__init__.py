"""The only code that talks to Docker engines: their API, events, errors and stop signals.

It knows nothing about routes.
"""
