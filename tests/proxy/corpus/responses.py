"""Response heads that are refused."""

LIMIT = 65536


def head(*lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"HTTP/%b %b" % (version, status), *lines, b"", b""])


REFUSED = {
    "rubbish": b"rubbish\r\n\r\n",
    "rubbish, no end yet": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2 frames": b"\0\0\x12\x04\0\0\0\0\0",
    "HTTP/0.9": b"<html>",
    "HTTP/2.0": head(version=b"2.0"),
    "HTTP/11": head(version=b"11"),
    "ICY": b"ICY 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "status of letters": head(status=b"abc"),
    "status of two digits": head(status=b"20 OK"),
    "status of four digits": head(status=b"2000 OK"),
    "status below 100": head(status=b"099 No"),
    "negative status": head(status=b"-20 No"),
    "two lengths": head(b"Content-Length: 5", b"Content-Length: 6"),
    "two equal lengths": head(b"Content-Length: 5", b"Content-Length: 5"),
    "a list of lengths": head(b"Content-Length: 5, 5"),
    "length with a plus": head(b"Content-Length: +5"),
    "length with a minus": head(b"Content-Length: -5"),
    "length in hexadecimal": head(b"Content-Length: 0x5"),
    "length with an underscore": head(b"Content-Length: 5_0"),
    "empty length": head(b"Content-Length:"),
    "huge length": head(b"Content-Length: 1" + b"0" * 18),
    "length outside ASCII": head(b"Content-Length: \xb2"),
    "length with chunked": head(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "chunked with length": head(b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    "chunked twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "gzip, chunked": head(b"Transfer-Encoding: gzip, chunked"),
    "gzip": head(b"Transfer-Encoding: gzip"),
    "identity": head(b"Transfer-Encoding: identity"),
    "space before the colon": head(b"Content-Length : 5"),
    "no colon": head(b"A"),
    "no name": head(b": a"),
    "folded": head(b"A: b", b" c"),
    "folded with bare line feeds": b"HTTP/1.1 200 OK\nA: b\n\tc\n\n",
    "NUL in a value": head(b"A: \0"),
    "NUL in a name": head(b"A\0: b"),
    "bare CR in a value": head(b"A: b\rSet-Cookie: c"),
    "CR CR LF": b"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n",
    "bare CR with bare line feeds": b"HTTP/1.1 200 OK\nA: b\rc\n\n",
    "bare CR in the phrase": head(status=b"200 a\rb"),
    "separator in a name": head(b"A(: b"),
    "too large": head(b"A: " + b"b" * LIMIT),
    "too large, no end yet": b"HTTP/1.1 200 OK\r\nA: " + b"b" * LIMIT,
    "too large with bare line feeds": b"HTTP/1.1 200 OK\nA: " + b"b" * LIMIT + b"\n\n",
}
