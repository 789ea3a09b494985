"""Copies of requests for the mirrors of composite services; no client waits for them."""
