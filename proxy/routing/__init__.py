"""Which router serves a request: found by host, then path, in constant time, and tested by its whole rule."""
