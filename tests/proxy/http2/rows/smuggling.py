"""Requests that would be something else in HTTP/1.1: each is refused before a server hears of it.

`REFUSED` has fields of a request by name; `CONTENT` goes with those that have content. `ACCEPTED` has odd
requests that servers get, each as one clean request.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.lab.http2.client import HOST
from tests.lab.http2.hpack import Field

METHOD = (b":method", b"POST")
SCHEME = (b":scheme", b"http")
AUTHORITY = (b":authority", HOST)
PATH = (b":path", b"/odd")
BASE = (METHOD, SCHEME, AUTHORITY, PATH)

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: any.test\r\n\r\n"

ENDINGS = {
    "CR LF": b"\r\n",
    "LF": b"\n",
    "CR": b"\r",
    "NUL": b"\0",
    "CR LF SP": b"\r\n ",
    "LF LF": b"\n\n",
}

_CARRIERS: dict[str, int] = {":method": 0, ":scheme": 1, ":authority": 2, ":path": 3}


def _with(name: bytes, value: bytes) -> tuple[Field, ...]:
    """Return the fields of a request whose pseudo-header field of this name has another value."""
    return tuple((name, value) if each[0] == name else each for each in BASE)


def _injections() -> Iterator[tuple[str, tuple[Field, ...]]]:
    """Line ends in every place, followed by a request, a length, or a coding."""
    for ending, octets in ENDINGS.items():
        for what, tail in (
            ("a request", octets + SMUGGLED),
            ("a coding", b"Transfer-Encoding: chunked"),
        ):
            injected = octets + tail
            for name, valid in BASE:
                yield f"{ending} and {what} in {name.decode()}", _with(name, valid + injected)
            yield f"{ending} and {what} in a value", (*BASE, (b"x-a", b"b" + injected))
            yield f"{ending} and {what} in a name", (*BASE, (b"x-a" + injected, b"b"))
            yield f"{ending} and {what} in a cookie", (*BASE, (b"cookie", b"a=b" + injected))
            yield f"{ending} and {what} in host", (*BASE[:2], PATH, (b"host", HOST + injected))
            yield f"{ending} and {what} in content-length", (*BASE, (b"content-length", b"5" + injected))
            yield f"{ending} and {what} in te", (*BASE, (b"te", b"trailers" + injected))
        yield f"{ending} in front of a value", (*BASE, (b"x-a", octets + b"b"))
        yield f"{ending} in front of a name", (*BASE, (octets + b"x-a", b"b"))
        yield f"{ending} in front of :path", _with(b":path", octets + b"/odd")
        yield f"{ending} in a later field", (*BASE, (b"x-a", b"b"), (b"x-b", b"c" + octets))


_CODINGS = (
    (b"transfer-encoding", b"chunked"),
    (b"transfer-encoding", b"Chunked"),
    (b"transfer-encoding", b"identity"),
    (b"transfer-encoding", b"gzip, chunked"),
    (b"transfer-encoding", b""),
    (b"transfer-encoding", b"chunked\0"),
    (b"Transfer-Encoding", b"chunked"),
    (b"transfer-encoding ", b"chunked"),
    (b" transfer-encoding", b"chunked"),
    (b"transfer-encoding\t", b"chunked"),
    (b"transfer-encoding:", b"chunked"),
    (b"transfer-encoding: chunked\r\nx", b"y"),
    (b":transfer-encoding", b"chunked"),
    (b"connection", b"close"),
    (b"connection", b"content-length"),
    (b"connection", b"upgrade"),
    (b"Connection", b"close"),
    (b"keep-alive", b"1"),
    (b"proxy-connection", b"close"),
    (b"upgrade", b"h2c"),
    (b"upgrade", b"websocket"),
    (b"te", b"chunked"),
    (b"te", b"trailers, chunked"),
)

_TARGETS = (
    b"",
    b"odd",
    b"*",
    b"http://other.test/odd",
    b"/odd HTTP/1.1",
    b"/odd\tHTTP/1.1",
    b"/odd ",
    b" /odd",
    b"/odd#fragment",
    b"/\x7f",
    b"/\x01",
)

_AUTHORITIES = (
    b"",
    b"any.test any.test",
    b"any.test\tb",
    b"user@any.test",
    b"any.test:80:80",
    b"any.test:port",
    b"any.test/odd",
    b"any.test?a",
    b"any.test#a",
    b"any.test\\other.test",
    b"any.test\x7f",
    b"[::1",
)

_METHODS = (
    b"",
    b"P ST",
    b"POST ",
    b" POST",
    b"POST /smuggled HTTP/1.1",
    b"PO:ST",
    b"P\xc3\x96ST",
    b"PO\x7fST",
)

_FIELDS: dict[str, tuple[Field, ...]] = {
    "host and :authority that differ": (*BASE, (b"host", b"other.test")),
    "host and :authority with another port": (*BASE, (b"host", HOST + b":81")),
    "two hosts": (*BASE[:2], PATH, (b"host", HOST), (b"host", b"other.test")),
    "the same host twice": (*BASE[:2], PATH, (b"host", HOST), (b"host", HOST)),
    "no host": (*BASE[:2], PATH),
    "an empty host beside :authority": (*BASE, (b"host", b"")),
    "two authorities": (*BASE, (b":authority", b"other.test")),
    "two paths": (*BASE, (b":path", b"/other")),
    "two methods": (*BASE, (b":method", b"GET")),
    "a late path": (METHOD, SCHEME, AUTHORITY, (b"x-a", b"b"), PATH),
    "a status": (*BASE, (b":status", b"200")),
    "an unknown pseudo-header field": (*BASE, (b":version", b"1.0")),
    "an upper-case name": (*BASE, (b"X-A", b"b")),
    "an upper-case Content-Length": (*BASE, (b"Content-Length", b"3")),
    "a name with a space": (*BASE, (b"x a", b"b")),
    "a name with a colon": (*BASE, (b"x-a:b", b"c")),
    "an empty name": (*BASE, (b"", b"b")),
    "a name above 0x7f": (*BASE, (b"x-\xff", b"b")),
    "a value with DEL": (*BASE, (b"x-a", b"b\x7f")),
    "a value with a control character": (*BASE, (b"x-a", b"b\x01c")),
    "a value with white space in front": (*BASE, (b"x-a", b" b")),
    "a value with white space at its end": (*BASE, (b"x-a", b"b\t")),
    "CONNECT": ((b":method", b"CONNECT"), (b":authority", b"any.test:443")),
    "CONNECT with a path": ((b":method", b"CONNECT"), SCHEME, AUTHORITY, PATH),
    "extended CONNECT of an unknown protocol": ((b":method", b"CONNECT"), (b":protocol", b"h3"), *BASE[1:]),
    ":protocol without CONNECT": (*BASE[:1], (b":protocol", b"websocket"), *BASE[1:]),
    "a scheme with a line end": _with(b":scheme", b"http\r\n"),
    "a scheme that is a URL": _with(b":scheme", b"http://other.test/"),
}

REFUSED: dict[str, tuple[Field, ...]] = {
    **dict(_injections()),
    **{f"{name!r}: {value!r}": (*BASE, (name, value)) for name, value in _CODINGS},
    **{f":path {path!r}": _with(b":path", path) for path in _TARGETS},
    **{f":authority {authority!r}": _with(b":authority", authority) for authority in _AUTHORITIES},
    **{f":method {method!r}": _with(b":method", method) for method in _METHODS},
    **_FIELDS,
}

CONTENT = b"0\r\n\r\n" + SMUGGLED
"""Content that is a request of its own to a server that ends the first one too early."""

WRONG_LENGTHS: dict[str, tuple[bytes, ...]] = {
    "too low": (b"5",),
    "zero": (b"0",),
    "too high": (str(len(CONTENT) + 1).encode(),),
    "far too high": (b"999999999999",),
    "two": (b"5", str(len(CONTENT)).encode()),
    "two in one value": (b"5, %d" % len(CONTENT),),
    "negative": (b"-1",),
    "with a sign": (b"+%d" % len(CONTENT),),
    "hexadecimal": (b"0x%x" % len(CONTENT),),
    "with an underscore": (b"4_9",),
    "with letters": (b"5abc",),
    "empty": (b"",),
    "with other digits": ("\N{ARABIC-INDIC DIGIT FIVE}".encode(),),
    "of 40 digits": (b"9" * 40,),
    "with a space inside": (b"4 9",),
}

BAD_TRAILERS: dict[str, Field] = {
    "a coding": (b"transfer-encoding", b"chunked"),
    "a connection field": (b"connection", b"close"),
    "a pseudo-header field": (b":path", b"/smuggled"),
    "an upper-case name": (b"X-A", b"b"),
    "a name with CR LF": (b"x\r\n\r\n" + SMUGGLED, b"b"),
    "a value with CR LF": (b"x-a", b"b\r\n\r\n" + SMUGGLED),
    "a value with LF": (b"x-a", b"b\nc"),
    "a value with NUL": (b"x-a", b"b\0"),
    "a name with a colon": (b"x:", b"b"),
    "an empty name": (b"", b"b"),
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request and what the server gets: its request line, and all values of some headers."""

    fields: tuple[Field, ...]
    line: str
    headers: dict[str, list[str]] = field(default_factory=dict)
    content: bytes = b""
    trailers: tuple[Field, ...] = ()
    sent_trailers: tuple[bytes, ...] = ()


def _get(*fields: Field, path: bytes = b"/odd", method: bytes = b"GET") -> tuple[Field, ...]:
    return ((b":method", method), SCHEME, AUTHORITY, (b":path", path), *fields)


ACCEPTED: dict[str, Accepted] = {
    "plain": Accepted(_get(), "GET /odd HTTP/1.1", {"Host": ["any.test"], "Transfer-Encoding": []}),
    "cookie crumbs": Accepted(
        _get((b"cookie", b"a=b"), (b"x-a", b"1"), (b"cookie", b"c=d"), (b"cookie", b"e=f; g=h")),
        "GET /odd HTTP/1.1",
        {"Cookie": ["a=b; c=d; e=f; g=h"]},
    ),
    "host as :authority": Accepted(_get((b"host", HOST)), "GET /odd HTTP/1.1", {"Host": ["any.test"]}),
    "host alone": Accepted(
        ((b":method", b"GET"), SCHEME, PATH, (b"host", HOST)), "GET /odd HTTP/1.1", {"Host": ["any.test"]}
    ),
    "host with a port": Accepted(
        (*_get()[:2], (b":authority", HOST + b":8080"), PATH),
        "GET /odd HTTP/1.1",
        {"Host": ["any.test:8080"]},
    ),
    "repeated fields": Accepted(
        _get((b"x-a", b"1"), (b"x-b", b"2"), (b"x-a", b"3")), "GET /odd HTTP/1.1", {"X-A": ["1", "3"]}
    ),
    "an empty value": Accepted(_get((b"x-a", b"")), "GET /odd HTTP/1.1", {"X-A": [""]}),
    "bytes above 0x7f": Accepted(_get((b"x-a", b"\xc3\xa4\xff")), "GET /odd HTTP/1.1", {"X-A": ["Ã¤ÿ"]}),
    "a value that looks like a line": Accepted(
        _get((b"x-a", b"GET / HTTP/1.1 Host: b")), "GET /odd HTTP/1.1", {"X-A": ["GET / HTTP/1.1 Host: b"]}
    ),
    "letters that end in line ends as UTF-16": Accepted(
        _get((b"x-a", "ĊčĊ".encode())), "GET /odd HTTP/1.1", {"X-A": ["ĊčĊ".encode().decode("latin-1")]}
    ),
    "escaped line ends in the path": Accepted(
        _get(path=b"/odd%0d%0aHost:%20b"), "GET /odd%0d%0aHost:%20b HTTP/1.1", {"Host": ["any.test"]}
    ),
    "a query": Accepted(_get(path=b"/odd?a=b&c=%20?d"), "GET /odd?a=b&c=%20?d HTTP/1.1"),
    "dot segments": Accepted(_get(path=b"/a/../odd/./b"), "GET /odd/b HTTP/1.1"),
    "a method in lower case": Accepted(_get(method=b"get"), "get /odd HTTP/1.1"),
    "an unknown method": Accepted(_get(method=b"M-SEARCH"), "M-SEARCH /odd HTTP/1.1"),
    "claims of a proxy": Accepted(
        _get((b"x-forwarded-for", b"192.0.2.1"), (b"x-real-ip", b"192.0.2.1")),
        "GET /odd HTTP/1.1",
        {"X-Forwarded-For": ["127.0.0.1"], "X-Real-Ip": ["127.0.0.1"], "X-Forwarded-Proto": ["http"]},
    ),
    "content without a length": Accepted(
        _get(method=b"POST"),
        "POST /odd HTTP/1.1",
        {"Transfer-Encoding": ["chunked"], "Content-Length": []},
        content=CONTENT,
    ),
    "content with its length": Accepted(
        _get((b"content-length", b"%d" % len(CONTENT)), method=b"POST"),
        "POST /odd HTTP/1.1",
        {"Transfer-Encoding": [], "Content-Length": [str(len(CONTENT))]},
        content=CONTENT,
    ),
    "GET with content": Accepted(
        _get(), "GET /odd HTTP/1.1", {"Transfer-Encoding": ["chunked"], "Content-Length": []}, content=CONTENT
    ),
    "a length of 0": Accepted(
        _get((b"content-length", b"0"), method=b"POST"),
        "POST /odd HTTP/1.1",
        {"Transfer-Encoding": [], "Content-Length": ["0"]},
    ),
    "trailers": Accepted(
        _get((b"te", b"trailers"), method=b"POST"),
        "POST /odd HTTP/1.1",
        {"Transfer-Encoding": ["chunked"]},
        content=CONTENT,
        trailers=((b"x-sum", b"1"), (b"x-other", b"2")),
        sent_trailers=(b"x-sum: 1", b"x-other: 2"),
    ),
    "trailers that frame or route": Accepted(
        _get(method=b"POST"),
        "POST /odd HTTP/1.1",
        content=CONTENT,
        trailers=(
            (b"content-length", b"3"),
            (b"host", b"other.test"),
            (b"x-sum", b"1"),
            (b"authorization", b"b"),
        ),
        sent_trailers=(b"x-sum: 1",),
    ),
}
