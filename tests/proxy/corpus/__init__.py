"""Tables of bytes that must be refused, for tests of the parsers alone and of a running worker."""
