"""ClientHellos as OpenSSL sends them, and parts to build others."""

import ssl


def openssl_hello(server_name: str | None) -> bytes:
    """Return the first flight of a client of OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    sent = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=server_name).do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()
    raise AssertionError("a handshake cannot end without the server")


def in_records(hello: bytes, size: int) -> bytes:
    """Return a ClientHello of one record in records of at most `size` bytes."""
    message = hello[5:]
    pieces = [message[start : start + size] for start in range(0, len(message), size)]
    return b"".join(hello[:3] + len(piece).to_bytes(2) + piece for piece in pieces)


def vector(content: bytes, width: int = 2) -> bytes:
    return len(content).to_bytes(width) + content


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2) + vector(content)


def host_name(name: bytes) -> bytes:
    """Return the extension server_name with one host name."""
    return extension(0, vector(b"\0" + vector(name)))


def alpn(*names: bytes) -> bytes:
    """Return the extension application_layer_protocol_negotiation with these protocols."""
    return extension(16, vector(b"".join(vector(name, 1) for name in names)))


def hello_with(*extensions: bytes, session: bytes = b"") -> bytes:
    """Return a ClientHello in one record; without extensions it has no list of them."""
    body = b"\x03\x03" + bytes(32) + vector(session, 1) + vector(b"\x13\x01") + vector(b"\0", 1)
    if extensions:
        body += vector(b"".join(extensions))
    return b"\x16\x03\x01" + vector(b"\x01" + vector(body, 3))
