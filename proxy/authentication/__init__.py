"""Who may ask what: tokens, users and their passwords, and where in a browser a request comes from.

Nothing here imports ssl or Flask, so that the master may look at credentials before gevent takes over.
"""
