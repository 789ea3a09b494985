"""Processes changes of the API's routes: validates proposals, commits them and decodes the objects.

The agent validates, not the proxy: the decoders are here, only the agent knows what routers may refer to, and
decoding ten thousand objects would block a worker.
"""
