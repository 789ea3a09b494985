"""HTTP/2 made of bytes: both sides of a connection, valid or not, for tests of a proxy."""
