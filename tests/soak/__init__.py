"""A long load test with failing servers and clients: `make soak`, not part of the tests.

`python -m tests.soak --seconds 60`. It exits with status 1 and the reasons if a wrong response looked valid,
or if the worker has a traceback, another pid, or more sockets or memory than before.
"""
