"""Streams and sockets: TCP, TLS, splicing, deadlines, stall detection and the PROXY protocol."""
