"""Requests as HTTP/2 sends them: malformed ones and odd ones (RFC 9113 §8)."""

from tests.lab.http2 import hpack
from tests.lab.http2.client import HOST, head
from tests.lab.http2.frames import COMPRESSION_ERROR, data, goaway, headers, rst_stream
from tests.lab.http2.hpack import Field
from tests.proxy.http2.rows.row import (
    Outcome,
    Row,
    answered,
    connection_error,
    malformed,
    over,
    row,
)

METHOD = (b":method", b"GET")
SCHEME = (b":scheme", b"http")
AUTHORITY = (b":authority", HOST)
PATH = (b":path", b"/")
GET = (METHOD, SCHEME, AUTHORITY, PATH)
POSTING = ((b":method", b"POST"), SCHEME, AUTHORITY, PATH)

POST = headers(1, head(method=b"POST"), ended=False)
END = data(1, b"", ended=True)


def fields(*given: Field, ended: bool = True) -> bytes:
    return headers(1, hpack.block(given), ended=ended)


def bad(section: str, name: str, *given: Field) -> Row:
    return row(section, name, fields(*given), then=malformed())


def good(section: str, name: str, *given: Field) -> Row:
    return row(section, name, fields(*given), then=answered())


FRAMING: list[Row] = [
    row("8.1", "trailers", POST, data(1, b"x"), headers(1, hpack.block([(b"x-sum", b"1")])), then=answered()),
    row(
        "8.1", "trailers without content", POST, headers(1, hpack.block([(b"x-sum", b"1")])), then=answered()
    ),
    row("8.1", "empty trailers", POST, data(1, b"x"), headers(1, b""), then=answered()),
    row(
        "8.1",
        "trailers without END_STREAM",
        POST,
        data(1, b"x"),
        headers(1, hpack.block([(b"x-sum", b"1")]), ended=False),
        then=malformed(),
    ),
    row("8.1", "a second head without END_STREAM", POST, headers(1, head(), ended=False), then=malformed()),
    row(
        "8.1",
        "DATA after trailers without END_STREAM",
        POST,
        headers(1, hpack.block([(b"x-a", b"1")]), ended=False),
        data(1, b"x", ended=True),
        then=malformed(),
    ),
    *(
        row(
            "8.1",
            f"{name.decode()} in trailers",
            POST,
            data(1, b"x"),
            headers(1, hpack.block([(name, value)])),
            then=malformed(),
        )
        for name, value in ((b":method", b"GET"), (b":path", b"/"), (b":status", b"200"), (b":x", b"y"))
    ),
    row(
        "8.1",
        "a connection field in trailers",
        POST,
        headers(1, hpack.block([(b"transfer-encoding", b"chunked")])),
        then=malformed(),
    ),
    row(
        "8.1",
        "an upper-case name in trailers",
        POST,
        headers(1, hpack.block([(b"X-Sum", b"1")])),
        then=malformed(),
    ),
    row(
        "8.1",
        "the client's GOAWAY while a stream is open",
        POST,
        goaway(),
        END,
        then=answered() | Outcome(bare_close=True),
    ),
    row(
        "8.1",
        "HEAD",
        headers(1, head(method=b"HEAD")),
        then=answered(),
        check=lambda client: not client.stream(1).content,
    ),
    row(
        "8.1",
        "many requests at once",
        *(headers(number, head()) for number in range(1, 101, 2)),
        then=answered(on=99),
        check=lambda client: all(client.stream(number).status == 200 for number in range(1, 101, 2)),
    ),
    row(
        "8.1",
        "a cancelled request",
        headers(1, head(b"/hold")),
        rst_stream(1),
        headers(3, head()),
        then=answered(on=3),
    ),
    row(
        "8.1",
        "one of two requests cancelled",
        headers(1, head(b"/hold")),
        headers(3, head()),
        rst_stream(1),
        over(3),
        then=answered(on=3),
    ),
]

# RFC 9113 §8.2.1: 0x00-0x20, upper case, 0x7f-0xff, and a colon except in front.
_BAD_IN_NAMES = b"\x00\x01\t\n\r \x1f:AZ\x7f\x80\xff"
_NO_TOKEN = b'"(),/;<=>?@[\\]{}'
_BAD_IN_VALUES = b"\x00\n\r"

NAMES: list[Row] = [
    *(
        bad("8.2.1", f"byte {octet:#04x} in a name", *GET, (b"x" + bytes((octet,)) + b"y", b"v"))
        for octet in _BAD_IN_NAMES
    ),
    *(
        bad("8.2.1", f"byte {octet:#04x} at the end of a name", *GET, (b"x" + bytes((octet,)), b"v"))
        for octet in b"\x00\n\r :Z"
    ),
    # A name is a token (RFC 9110 §5.1); an intermediary that forwards over HTTP/1.1 must refuse others.
    *(
        bad("8.2.1", f"delimiter {chr(octet)} in a name", *GET, (b"x" + bytes((octet,)), b"v"))
        for octet in _NO_TOKEN
    ),
    bad("8.2.1", "an empty name", *GET, (b"", b"v")),
    *(
        bad("8.2.1", f"byte {octet:#04x} {place} a value", *GET, (b"x-a", before + bytes((octet,)) + after))
        for octet in _BAD_IN_VALUES
        for place, before, after in (
            ("in", b"a", b"b"),
            ("in front of", b"", b"b"),
            ("at the end of", b"a", b""),
        )
    ),
    *(
        bad("8.2.1", f"byte {octet:#04x} {place} a value", *GET, (b"x-a", before + bytes((octet,)) + after))
        for octet in b" \t"
        for place, before, after in (
            ("in front of", b"", b"b"),
            ("at the end of", b"a", b""),
            ("as", b"", b""),
        )
    ),
    good("8.2.1", "an empty value", *GET, (b"x-a", b"")),
    good("8.2.1", "a value with bytes above 0x7f", *GET, (b"x-a", b"\x80\xff\xc3\xa4")),
    good("8.2.1", "a value with spaces and tabs inside", *GET, (b"x-a", b"a b\tc")),
    good("8.2.1", "a name of all token characters", *GET, (b"!#$%&'*+-.^_`|~09az", b"v")),
]

CONNECTION_FIELDS: list[Row] = [
    *(
        bad("8.2.2", f"{name.decode()}: {value.decode()}", *GET, (name, value))
        for name, value in (
            (b"connection", b"close"),
            (b"connection", b"keep-alive"),
            (b"connection", b"x-a"),
            (b"keep-alive", b"timeout=5"),
            (b"proxy-connection", b"keep-alive"),
            (b"transfer-encoding", b"chunked"),
            (b"transfer-encoding", b"identity"),
            (b"upgrade", b"websocket"),
            (b"upgrade", b"h2c"),
            (b"te", b"gzip"),
            (b"te", b"trailers, gzip"),
        )
    ),
    good("8.2.2", "te: trailers", *GET, (b"te", b"trailers")),
    row("8.2.2", "te without a value", fields(*GET, (b"te", b"")), then=answered() | malformed()),
    good("8.2.3", "two cookie fields", *GET, (b"cookie", b"a=b"), (b"cookie", b"c=d")),
]

PSEUDO: list[Row] = [
    bad("8.3", "a pseudo-header field behind a regular one", METHOD, SCHEME, AUTHORITY, (b"x-a", b"b"), PATH),
    bad("8.3", "all pseudo-header fields behind a regular one", (b"x-a", b"b"), *GET),
    bad("8.3", "an unknown pseudo-header field", *GET, (b":unknown", b"x")),
    bad("8.3", "a pseudo-header field of responses", *GET, (b":status", b"200")),
    bad("8.3", "a pseudo-header field without a name", *GET, (b":", b"x")),
    bad("8.3", "an upper-case pseudo-header field", (b":METHOD", b"GET"), SCHEME, AUTHORITY, PATH),
    *(bad("8.3.1", f"{pair[0].decode()} twice", *GET, pair) for pair in (METHOD, SCHEME, AUTHORITY, PATH)),
    *(
        bad("8.3.1", f"no {pair[0].decode()}", *(each for each in GET if each is not pair))
        for pair in (METHOD, SCHEME, PATH)
    ),
    bad("8.3.1", "no fields"),
    bad("8.3.1", "an empty :path", METHOD, SCHEME, AUTHORITY, (b":path", b"")),
    bad("8.3.1", "an empty :method", (b":method", b""), SCHEME, AUTHORITY, PATH),
    bad("8.3.1", "an empty :scheme", METHOD, (b":scheme", b""), AUTHORITY, PATH),
    *(
        bad("8.3.1", f":path {path!r}", METHOD, SCHEME, AUTHORITY, (b":path", path))
        for path in (b"a", b"*", b"/a b", b"/\x00", b"/\r\n", b"/a\tb", b"?a=b", b"/\x7f", b" /", b"/ ")
    ),
    *(
        bad("8.3.1", f":method {method!r}", (b":method", method), SCHEME, AUTHORITY, PATH)
        for method in (b"G T", b"GET ", b" GET", b"GE\x00T", b"GET / HTTP/1.1\r\nx: y\r\n\r\n", b"G(T")
    ),
    *(
        bad("8.3.1", f":scheme {scheme!r}", METHOD, (b":scheme", scheme), AUTHORITY, PATH)
        for scheme in (b"ht tp", b"http\r\n", b"http://a/")
    ),
    *(
        bad("8.3.1", f":authority {authority!r}", METHOD, SCHEME, (b":authority", authority), PATH)
        for authority in (
            b"user@any.test",
            b"user:pw@any.test",
            b"any .test",
            b"any.test\r\n",
            b"any.test\x00",
            b"any.test/a",
            b"any.test, b.test",
        )
    ),
    bad("8.3.1", "host that differs from :authority", *GET, (b"host", b"other.test")),
    good("8.3.1", "host that equals :authority", *GET, (b"host", HOST)),
    good("8.3.1", "host in place of :authority", METHOD, SCHEME, PATH, (b"host", HOST)),
    bad("8.3.1", "neither :authority nor host", METHOD, SCHEME, PATH),
    bad("8.3.1", "host twice", METHOD, SCHEME, PATH, (b"host", HOST), (b"host", b"b.test")),
    good("8.3.1", "pseudo-header fields in another order", PATH, AUTHORITY, METHOD, SCHEME),
    row(
        "8.3.1",
        "OPTIONS *",
        fields((b":method", b"OPTIONS"), SCHEME, AUTHORITY, (b":path", b"*")),
        then=answered(200, 204, 400, 404, 405),
    ),
    row(
        "8.5",
        "CONNECT",
        fields((b":method", b"CONNECT"), (b":authority", b"any.test:80")),
        then=malformed(403, 404, 405, 501),
    ),
    row(
        "8.5",
        "CONNECT with :path and :scheme",
        fields((b":method", b"CONNECT"), SCHEME, AUTHORITY, PATH),
        then=malformed(403, 404, 405, 501),
    ),
    row(
        "8.5",
        "CONNECT without :authority",
        fields((b":method", b"CONNECT"), (b"host", HOST)),
        then=malformed(405),
    ),
    row("RFC 8441 4", ":protocol with GET", fields(*GET, (b":protocol", b"websocket")), then=malformed()),
]


def _length(name: str, values: tuple[bytes, ...], content: bytes, *, in_two: bool = False) -> Row:
    head_of = fields(*POSTING, *((b"content-length", value) for value in values), ended=not content)
    half = len(content) // 2
    pieces = [content[:half], content[half:]] if in_two else [content]
    sent = (
        [data(1, piece, ended=number == len(pieces)) for number, piece in enumerate(pieces, 1)]
        if content
        else []
    )
    # In one piece: otherwise the response to a request of length 0 may come before its content.
    return row("8.1.1", name, head_of + b"".join(sent), then=malformed())


LENGTHS: list[Row] = [
    _length("content-length above the content", (b"10",), b"hello"),
    _length("content-length above content in two frames", (b"10",), b"hello", in_two=True),
    _length("content-length below the content", (b"1",), b"hello"),
    _length("content-length below content in two frames", (b"3",), b"hello", in_two=True),
    _length("content-length with END_STREAM in the head", (b"5",), b""),
    _length("content-length of 0 with content", (b"0",), b"hello"),
    _length("two differing lengths", (b"5", b"6"), b"hello"),
    _length("two differing lengths, the second is right", (b"6", b"5"), b"hello"),
    *(
        _length(f"content-length {value!r}", (value,), b"hello")
        for value in (
            b"",
            b"-5",
            b"+5",
            b"5 ",
            b" 5",
            b"5x",
            b"0x5",
            b"5.0",
            b"5, 6",
            b"five",
            b"\xb2",
            b"5\x00",
            b"5" * 40,
            b"1_0",
            b"5;q=1",
        )
    ),
    row(
        "8.1.1",
        "content-length above the content with trailers",
        fields(*POSTING, (b"content-length", b"9"), ended=False),
        data(1, b"hello"),
        headers(1, hpack.block([(b"x-a", b"b")])),
        then=malformed(),
    ),
    row(
        "8.1.1",
        "content-length that is right",
        fields(*POSTING, (b"content-length", b"5"), ended=False),
        data(1, b"he"),
        data(1, b""),
        data(1, b"llo"),
        END,
        then=answered(),
    ),
    row(
        "8.1.1",
        "content-length that is right with padding",
        fields(*POSTING, (b"content-length", b"5"), ended=False),
        data(1, b"hello", padding=200, ended=True),
        then=answered(),
    ),
    row(
        "8.1.1",
        "content-length of 0 with END_STREAM",
        fields(*POSTING, (b"content-length", b"0")),
        then=answered(),
    ),
    row(
        "8.1.1",
        "content-length with leading zeros",
        fields(*POSTING, (b"content-length", b"0005"), ended=False),
        data(1, b"hello", ended=True),
        then=answered() | malformed(),
    ),
    # RFC 9110 §8.6 lets a recipient accept equal lengths.
    row(
        "8.1.1",
        "the same length twice",
        fields(*POSTING, (b"content-length", b"5"), (b"content-length", b"5"), ended=False),
        data(1, b"hello", ended=True),
        then=answered() | malformed(),
    ),
]

ENDS: list[Row] = [
    row(
        "5.4.1",
        "a connection error ends all streams",
        headers(1, head(b"/hold")),
        headers(3, b"\x80"),
        then=connection_error(COMPRESSION_ERROR),
    ),
    row(
        "5.4.2",
        "a stream error leaves other streams alone",
        headers(1, head(b"/hold")),
        headers(3, hpack.block([(b":method", b"GET")])),
        headers(5, head()),
        then=answered(on=5),
    ),
    row(
        "5.4.2",
        "a malformed head closes its stream",
        fields(*GET, (b"X", b"y"), ended=False),
        then=malformed(),
    ),
    row(
        "8.1.1",
        "content after a malformed head",
        fields(*POSTING, (b"X", b"y"), ended=False),
        data(1, b"x"),
        END,
        then=malformed(),
    ),
]

ROWS = FRAMING + NAMES + CONNECTION_FIELDS + PSEUDO + LENGTHS + ENDS
