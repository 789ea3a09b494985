"""Which router serves a request: rules compiled to functions, found by host in constant time."""
