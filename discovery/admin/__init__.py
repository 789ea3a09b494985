"""Routes that the API defines: proposals are judged here, kept in the store, and decoded like files.

The agent judges, and not the proxy: the decoders are here, it alone knows what routers may refer to, and
to decode ten thousand objects would hold a worker up.
"""
