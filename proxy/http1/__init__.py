"""HTTP/1.1 without sockets: bytes in, values out (RFC 9112). Every rule of framing and of headers is here."""
