"""HTTP/1.1 without sockets: bytes in, values out (RFC 9112). It holds all rules for framing and headers."""
