"""A long run of everything at once, with servers and clients that fail: `make soak`, not part of the tests.

`python -m tests.soak --seconds 60`. It ends with status 1 and the reasons when an answer was wrong without
showing it, or when the worker lost its calm: a traceback, another pid, more sockets or memory than before.
"""
