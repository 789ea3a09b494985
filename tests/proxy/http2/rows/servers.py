"""What a server may send (RFC 9113), and what a client must make of it.

Each row begins once the request has come. Its bytes may depend on the stream of that request.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.http2 import frames, hpack
from tests.lab.http2.frames import (
    CANCEL,
    COMPRESSION_ERROR,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    LARGEST,
    NO_ERROR,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    continuation,
    data,
    frame,
    goaway,
    headers,
    ping,
    priority,
    rst_stream,
    settings,
    window_update,
)
from tests.lab.http2.hpack import Field
from tests.lab.http2.server import response_head

Bytes = Callable[[int], bytes]

CUT = 0
"""The status of a response that has no head, or that ends before its content does."""


@dataclass(frozen=True, slots=True)
class ServerRow:
    """`connection` and `stream` are the codes that the server may get; without any, it gets no error.

    `statuses` are those of the client's response.
    """

    section: str
    name: str
    sent: Bytes
    statuses: frozenset[int]
    connection: frozenset[int] = frozenset()
    stream: frozenset[int] = frozenset()
    starts: bool = True  # SETTINGS come first

    @property
    def id(self) -> str:
        return f"{self.section} {self.name}"


def _always(data: bytes) -> Bytes:
    return lambda number: data


def _fault(section: str, name: str, sent: Bytes | bytes, *codes: int) -> ServerRow:
    """Return a row for an error of the connection."""
    made = _always(sent) if isinstance(sent, bytes) else sent
    return ServerRow(section, name, made, frozenset({502}), connection=frozenset(codes))


def _malformed(section: str, name: str, sent: Bytes, *statuses: int) -> ServerRow:
    """Return a row for a malformed response, an error of the stream or of the connection."""
    codes = frozenset({PROTOCOL_ERROR})
    return ServerRow(section, name, sent, frozenset(statuses or {502}), codes, codes)


def _head(section: str, name: str, *fields: Field) -> ServerRow:
    """Return a row for a malformed head."""
    return _malformed(section, name, lambda number: headers(number, hpack.block(fields)))


def _good(section: str, name: str, sent: Bytes, status: int = 200) -> ServerRow:
    return ServerRow(section, name, sent, frozenset({status}))


STATUS = (b":status", b"200")
HEAD = response_head()


def _hello(number: int) -> bytes:
    return headers(number, HEAD, ended=False) + data(number, b"hello", ended=True)


def _after(begin: bytes) -> Bytes:
    """Return a valid response behind these bytes."""
    return lambda number: begin + _hello(number)


STARTING: list[ServerRow] = [
    ServerRow(
        "3.4",
        "a response before SETTINGS",
        _hello,
        frozenset({502}),
        frozenset({PROTOCOL_ERROR}),
        starts=False,
    ),
    ServerRow(
        "3.4",
        "PING before SETTINGS",
        _after(ping()),
        frozenset({502}),
        frozenset({PROTOCOL_ERROR}),
        starts=False,
    ),
    ServerRow(
        "3.4",
        "HTTP/1.1 in place of HTTP/2",
        _always(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        frozenset({502}),
        frozenset({PROTOCOL_ERROR, FRAME_SIZE_ERROR}),
        starts=False,
    ),
    _good("3.4", "a response behind SETTINGS", _hello),
    _good("6.5", "more SETTINGS", _after(settings((frames.MAX_CONCURRENT_STREAMS, 1)) + settings())),
    _good("6.5", "unknown settings", _after(settings((0x99, 5)))),
    _good(
        "5.5",
        "unknown frames",
        lambda number: frame(0x99) + frame(0xAB, b"x", stream=number) + _hello(number),
    ),
    _good(
        "5.5",
        "ALTSVC and ORIGIN",
        lambda number: frame(0x0A, b"\0\0a", stream=number) + frame(0x0C) + _hello(number),
    ),
    _good("6.7", "PING", _after(ping())),
    _good("5.3", "PRIORITY", lambda number: priority(number) + priority(number + 100) + _hello(number)),
]

FRAMES: list[ServerRow] = [
    _fault(
        "4.2",
        "a frame above the largest size",
        lambda number: frame(frames.DATA, bytes(1 << 20), stream=number),
        FRAME_SIZE_ERROR,
    ),
    _fault("6.1", "DATA on the connection", data(0, b"x"), PROTOCOL_ERROR),
    _fault("6.1", "DATA on an idle stream", lambda number: data(number + 2, b"x"), PROTOCOL_ERROR),
    _fault("6.1", "DATA on a stream of the server", data(2, b"x"), PROTOCOL_ERROR),
    ServerRow(
        "6.1",
        "DATA with padding over its payload",
        lambda number: (
            headers(number, HEAD, ended=False)
            + frame(frames.DATA, b"\x09abc", flags=frames.PADDED, stream=number)
        ),
        frozenset({CUT, 502}),
        connection=frozenset({PROTOCOL_ERROR}),
    ),
    _fault("6.2", "HEADERS on the connection", headers(0, HEAD), PROTOCOL_ERROR),
    _fault(
        "6.2",
        "HEADERS on an idle stream",
        lambda number: headers(number + 2, HEAD),
        PROTOCOL_ERROR,
        STREAM_CLOSED,
    ),
    _fault("6.2", "HEADERS on a stream of the server", headers(2, HEAD), PROTOCOL_ERROR, STREAM_CLOSED),
    _fault(
        "6.2",
        "HEADERS with padding over the payload",
        lambda number: frame(frames.HEADERS, b"\xff" + HEAD, flags=0xD, stream=number),
        PROTOCOL_ERROR,
    ),
    _fault("6.3", "PRIORITY on the connection", priority(0), PROTOCOL_ERROR),
    _fault("6.4", "RST_STREAM on the connection", rst_stream(0), PROTOCOL_ERROR),
    _fault("6.4", "RST_STREAM on an idle stream", lambda number: rst_stream(number + 2), PROTOCOL_ERROR),
    _fault(
        "6.4",
        "RST_STREAM of 3 bytes",
        lambda number: frame(frames.RST_STREAM, bytes(3), stream=number),
        FRAME_SIZE_ERROR,
    ),
    _fault(
        "6.5", "SETTINGS on a stream", lambda number: frame(frames.SETTINGS, stream=number), PROTOCOL_ERROR
    ),
    _fault("6.5", "SETTINGS of 5 bytes", frame(frames.SETTINGS, bytes(5)), FRAME_SIZE_ERROR),
    _fault(
        "6.5",
        "acknowledgement with a payload",
        frame(frames.SETTINGS, bytes(6), flags=frames.ACK),
        FRAME_SIZE_ERROR,
    ),
    _fault("6.5.2", "ENABLE_PUSH of 2", settings((frames.ENABLE_PUSH, 2)), PROTOCOL_ERROR),
    _fault(
        "6.5.2",
        "INITIAL_WINDOW_SIZE of 2^31",
        settings((frames.INITIAL_WINDOW_SIZE, 1 << 31)),
        FLOW_CONTROL_ERROR,
    ),
    _fault("6.5.2", "MAX_FRAME_SIZE of 100", settings((frames.MAX_FRAME_SIZE, 100)), PROTOCOL_ERROR),
    _fault("6.5.2", "MAX_FRAME_SIZE of 2^24", settings((frames.MAX_FRAME_SIZE, 1 << 24)), PROTOCOL_ERROR),
    # This side has announced ENABLE_PUSH of 0.
    _fault(
        "6.6",
        "PUSH_PROMISE",
        lambda number: frame(frames.PUSH_PROMISE, b"\0\0\0\2" + HEAD, flags=4, stream=number),
        PROTOCOL_ERROR,
    ),
    _fault(
        "6.7", "PING on a stream", lambda number: frame(frames.PING, bytes(8), stream=number), PROTOCOL_ERROR
    ),
    _fault("6.7", "PING of 7 bytes", frame(frames.PING, bytes(7)), FRAME_SIZE_ERROR),
    _fault(
        "6.8",
        "GOAWAY on a stream",
        lambda number: frame(frames.GOAWAY, bytes(8), stream=number),
        PROTOCOL_ERROR,
    ),
    _fault("6.8", "GOAWAY of 4 bytes", frame(frames.GOAWAY, bytes(4)), FRAME_SIZE_ERROR),
    _fault("6.9", "WINDOW_UPDATE of nothing", window_update(0, 0), PROTOCOL_ERROR),
    _fault("6.9", "WINDOW_UPDATE of 3 bytes", frame(frames.WINDOW_UPDATE, bytes(3)), FRAME_SIZE_ERROR),
    _fault(
        "6.9", "WINDOW_UPDATE on an idle stream", lambda number: window_update(number + 2, 1), PROTOCOL_ERROR
    ),
    _fault("6.9.1", "window of the connection overflows", window_update(0, LARGEST), FLOW_CONTROL_ERROR),
    _fault("6.10", "CONTINUATION without HEADERS", lambda number: continuation(number, HEAD), PROTOCOL_ERROR),
    _fault(
        "6.10",
        "CONTINUATION of another stream",
        lambda number: headers(number, HEAD[:2], flags=0) + continuation(number + 2, HEAD[2:]),
        PROTOCOL_ERROR,
    ),
    _fault(
        "4.3",
        "PING within a header block",
        lambda number: headers(number, HEAD[:2], flags=0) + ping() + continuation(number, HEAD[2:]),
        PROTOCOL_ERROR,
    ),
    _fault("4.3", "an index of 0", lambda number: headers(number, b"\x80"), COMPRESSION_ERROR),
    _fault(
        "4.3",
        "an index above the tables",
        lambda number: headers(number, HEAD + hpack.indexed(99)),
        COMPRESSION_ERROR,
    ),
    _fault(
        "4.3",
        "a string without its end",
        lambda number: headers(number, HEAD + b"\0\x05ab"),
        COMPRESSION_ERROR,
    ),
    _fault(
        "4.3",
        "a table above the limit",
        lambda number: headers(number, hpack.table_size(1 << 20) + HEAD),
        COMPRESSION_ERROR,
    ),
    _good(
        "6.2",
        "HEADERS with padding and priority",
        lambda number: (
            frame(frames.HEADERS, b"\x03\0\0\0\0\x10" + HEAD + bytes(3), flags=0x2C, stream=number)
            + data(number, b"hello", padding=100, ended=True)
        ),
    ),
    _good(
        "6.10",
        "a head in pieces of one byte",
        lambda number: (
            headers(number, b"", flags=0, ended=False)
            + b"".join(
                continuation(number, HEAD[at : at + 1], last=at == len(HEAD) - 1) for at in range(len(HEAD))
            )
            + data(number, b"hello", ended=True)
        ),
    ),
    _good(
        "6.1",
        "empty DATA",
        lambda number: (
            headers(number, HEAD, ended=False)
            + data(number, b"")
            + data(number, b"hello")
            + data(number, b"", ended=True)
        ),
    ),
    _good("6.9", "WINDOW_UPDATE after the end", lambda number: _hello(number) + window_update(number, 5)),
    _good(
        "8.1", "NO_ERROR after a whole response", lambda number: _hello(number) + rst_stream(number, NO_ERROR)
    ),
]

MESSAGES: list[ServerRow] = [
    _head("8.3.2", "no fields"),
    _head("8.3.2", "no :status", (b"x-a", b"b")),
    _head("8.3.2", ":status twice", STATUS, STATUS),
    _head("8.3.2", ":status behind a field", (b"x-a", b"b"), STATUS),
    *(
        _head("8.3.2", f":status {value!r}", (b":status", value))
        for value in (
            b"",
            b"20",
            b"2000",
            b"abc",
            b"+20",
            b" 200",
            b"200 OK",
            b"099",
            b"2\r\n",
            "\N{ARABIC-INDIC DIGIT TWO}00".encode(),
        )
    ),
    _head("8.3.2", "pseudo-header fields of requests", STATUS, (b":path", b"/")),
    _head("8.3", "an unknown pseudo-header field", STATUS, (b":x", b"y")),
    _head("8.2.1", "an upper-case name", STATUS, (b"X-A", b"b")),
    *(
        _head("8.2.1", f"{octet!r} in a {place}", STATUS, pair)
        for octet in (b"\r\n", b"\n", b"\r", b"\0")
        for place, pair in (
            ("value", (b"x-a", b"b" + octet + b"x-injected: 1")),
            ("name", (b"x-a" + octet + b"x-injected", b"b")),
        )
    ),
    _head("8.2.1", "a space in a name", STATUS, (b"x a", b"b")),
    _head("8.2.1", "an empty name", STATUS, (b"", b"b")),
    *(
        _head("8.2.2", f"{name.decode()}: {value.decode()}", STATUS, (name, value))
        for name, value in (
            (b"connection", b"close"),
            (b"transfer-encoding", b"chunked"),
            (b"keep-alive", b"5"),
            (b"upgrade", b"h2c"),
            (b"proxy-connection", b"close"),
        )
    ),
    _head("8.6", "101", (b":status", b"101")),
    _malformed("8.1", "DATA before HEADERS", lambda number: data(number, b"x", ended=True)),
    _malformed(
        "8.1",
        "an interim response that ends the stream",
        lambda number: headers(number, response_head(b"103")),
    ),
    _malformed(
        "8.1.1",
        "content-length above the content",
        lambda number: (
            headers(number, response_head(b"200", (b"content-length", b"9")), ended=False)
            + data(number, b"hello", ended=True)
        ),
        CUT,
        502,
    ),
    _malformed(
        "8.1.1",
        "content-length below the content",
        lambda number: (
            headers(number, response_head(b"200", (b"content-length", b"3")), ended=False)
            + data(number, b"hello", ended=True)
        ),
        CUT,
        502,
    ),
    _malformed(
        "8.1.1",
        "content-length with END_STREAM",
        lambda number: headers(number, response_head(b"200", (b"content-length", b"3"))),
        CUT,
        502,
    ),
    *(
        _head("8.1.1", f"content-length {value!r}", STATUS, (b"content-length", value))
        for value in (b"", b"-1", b"+5", b"5, 6", b"0x5", b"five", b"9" * 40)
    ),
    _head("8.1.1", "two lengths", STATUS, (b"content-length", b"5"), (b"content-length", b"6")),
    _malformed(
        "8.1",
        "trailers without END_STREAM",
        lambda number: (
            headers(number, HEAD, ended=False)
            + data(number, b"x")
            + headers(number, hpack.block([(b"x-a", b"b")]), ended=False)
        ),
        CUT,
        502,
    ),
    _malformed(
        "8.1",
        "a second head",
        lambda number: headers(number, HEAD, ended=False) + headers(number, HEAD),
        CUT,
        502,
    ),
    _malformed(
        "8.1",
        "trailers with a line end",
        lambda number: (
            headers(number, HEAD, ended=False)
            + data(number, b"x")
            + headers(number, hpack.block([(b"x-a", b"b\r\nx-injected: 1")]))
        ),
        CUT,
        502,
    ),
    _good(
        "8.1",
        "interim responses",
        lambda number: (
            headers(number, response_head(b"103"), ended=False)
            + headers(number, response_head(b"103"), ended=False)
            + _hello(number)
        ),
    ),
    _good(
        "8.1",
        "trailers",
        lambda number: (
            headers(number, HEAD, ended=False)
            + data(number, b"hello")
            + headers(number, hpack.block([(b"x-sum", b"1")]))
        ),
    ),
    _good("8.1", "404 without content", lambda number: headers(number, response_head(b"404")), 404),
    _good(
        "8.1.1",
        "content-length that is right",
        lambda number: (
            headers(number, response_head(b"200", (b"content-length", b"5")), ended=False)
            + data(number, b"hello", padding=3)
            + data(number, b"", ended=True)
        ),
    ),
    _good(
        "8.2.3",
        "several set-cookie fields",
        lambda number: headers(
            number, response_head(b"200", (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d"))
        ),
    ),
]

_CODES = {"CANCEL": CANCEL, "PROTOCOL_ERROR": PROTOCOL_ERROR, "an unknown code": 0xFFFF}

ENDS: list[ServerRow] = [
    *(
        ServerRow(
            "8.1",
            f"RST_STREAM by {name} before the response",
            lambda number, code=code: rst_stream(number, code),
            frozenset({502}),
        )
        for name, code in _CODES.items()
    ),
    *(
        ServerRow(
            "8.1",
            f"RST_STREAM by {name} within the response",
            lambda number, code=code: (
                headers(number, HEAD, ended=False) + data(number, b"he") + rst_stream(number, code)
            ),
            frozenset({CUT, 502}),
        )
        for name, code in (_CODES | {"NO_ERROR": NO_ERROR}).items()
    ),
    _good("6.8", "GOAWAY that includes the request", lambda number: goaway(number) + _hello(number)),
    _good(
        "6.8",
        "GOAWAY of the highest number",
        lambda number: goaway(LARGEST) + goaway(number) + _hello(number),
    ),
]

ROWS = STARTING + FRAMES + MESSAGES + ENDS
