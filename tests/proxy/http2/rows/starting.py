"""Starting HTTP/2 (RFC 9113 §3), the frame format and size (§4.1, §4.2)."""

from tests.lab.http2 import frames
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import (
    FRAME_SIZE_ERROR,
    PREFACE,
    PROTOCOL_ERROR,
    data,
    frame,
    goaway,
    headers,
    ping,
    settings,
    window_update,
)
from tests.proxy.http2.rows.row import ALIVE, Outcome, Row, answered, connection_error, raw, row, stream_error

GET = headers(1, head())
POST = headers(1, head(method=b"POST"), ended=False)
RESERVED = 1 << 31

_NOT_HTTP_2 = connection_error(PROTOCOL_ERROR) | Outcome(bare_close=True)

STARTING: list[Row] = [
    raw("3.4", "preface, settings and request in one piece", PREFACE + settings() + GET, then=answered()),
    raw(
        "3.4",
        "preface in pieces of one byte",
        *(bytes((octet,)) for octet in PREFACE + settings() + GET),
        then=answered(),
    ),
    raw(
        "3.4", "preface with another second half", PREFACE[:18] + b"XX\r\n\r\n" + settings(), then=_NOT_HTTP_2
    ),
    raw("3.4", "preface with LF in place of CR LF", PREFACE[:18] + b"SM\n\n" + settings(), then=_NOT_HTTP_2),
    raw(
        "3.4",
        "preface twice",
        PREFACE + PREFACE + settings(),
        then=_NOT_HTTP_2 | connection_error(FRAME_SIZE_ERROR),
    ),
    *(
        raw("3.4", f"{name} in place of the first SETTINGS", PREFACE + first, then=_NOT_HTTP_2)
        for name, first in {
            "PING": ping(),
            "HEADERS": GET,
            "DATA": data(1, b"x"),
            "WINDOW_UPDATE": window_update(0, 1),
            "GOAWAY": goaway(),
            "an unknown frame": frame(0xBB, b"x"),
        }.items()
    ),
    raw(
        "3.4",
        "SETTINGS of many first",
        PREFACE + settings(*((0x100 + number, 1) for number in range(20))) + GET,
        then=answered(),
    ),
]


def _largest(client: Client) -> int:
    """Return the largest payload that the server allows, in bytes."""
    return client.settings.get(frames.MAX_FRAME_SIZE, frames.FIRST_FRAME_SIZE)


_UNKNOWN = (0x0A, 0x0B, 0x0C, 0x10, 0x7F, 0xFF)

FORMAT: list[Row] = [
    *(
        row(
            "4.1",
            f"frame of unknown type {kind:#x} on the connection",
            frame(kind, b"hello"),
            GET,
            then=answered(),
        )
        for kind in _UNKNOWN
    ),
    *(
        row(
            "5.5",
            f"frame of unknown type {kind:#x} on an open stream",
            POST,
            frame(kind, b"hello", flags=0xFF, stream=1),
            data(1, b"", ended=True),
            then=answered(),
        )
        for kind in _UNKNOWN
    ),
    row(
        "5.5",
        "frame of unknown type on an idle stream",
        frame(0x77, b"hello", stream=1),
        GET,
        then=answered(),
    ),
    row("4.1", "unknown frame of the largest size", frame(0x77, bytes(16_384)), GET, then=answered()),
    row(
        "4.1",
        "PING with undefined flags",
        frame(frames.PING, b"12345678", flags=0xFE),
        then=ALIVE,
        check=lambda client: any(each.kind == frames.PING for each in client.frames),
    ),
    *(
        row(
            "4.1",
            f"HEADERS with the undefined flag {flag:#x}",
            frame(frames.HEADERS, head(), flags=0x5 | flag, stream=1),
            then=answered(),
        )
        for flag in (0x02, 0x10, 0x40, 0x80)
    ),
    row(
        "4.1",
        "DATA with undefined flags",
        POST,
        frame(frames.DATA, b"x", flags=0xF6, stream=1),
        data(1, b"", ended=True),
        then=answered(),
    ),
    row("4.1", "SETTINGS with undefined flags", frame(frames.SETTINGS, flags=0xFE), GET, then=answered()),
    row(
        "4.1",
        "WINDOW_UPDATE with undefined flags",
        frame(frames.WINDOW_UPDATE, b"\0\0\0\1", flags=0xFF),
        GET,
        then=answered(),
    ),
    row(
        "4.1",
        "RST_STREAM with undefined flags",
        POST,
        frame(frames.RST_STREAM, b"\0\0\0\x08", flags=0xFF, stream=1),
        then=ALIVE,
    ),
    row("4.1", "PING with the reserved bit", frame(frames.PING, b"12345678", stream=RESERVED), then=ALIVE),
    row("4.1", "HEADERS with the reserved bit", headers(1 | RESERVED, head()), then=answered()),
    row("4.1", "DATA with the reserved bit", POST, data(1 | RESERVED, b"x", ended=True), then=answered()),
    row(
        "4.1", "SETTINGS with the reserved bit", frame(frames.SETTINGS, stream=RESERVED), GET, then=answered()
    ),
    row("4.2", "DATA of the largest size", POST, data(1, bytes(16_384), ended=True), then=answered()),
    row(
        "4.2",
        "DATA above the largest size",
        POST,
        lambda client: client.send(data(1, bytes(_largest(client) + 1), ended=True)),
        then=stream_error(FRAME_SIZE_ERROR),
    ),
    row(
        "4.2",
        "HEADERS above the largest size",
        lambda client: client.send(headers(1, head(fields=[(b"x-long", bytes([97]) * _largest(client))]))),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "4.2",
        "SETTINGS above the largest size",
        lambda client: client.send(
            settings(*((0x100 + number % 9999, 1) for number in range(_largest(client) // 6 + 1)))
        ),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "4.2",
        "unknown frame above the largest size",
        lambda client: client.send(frame(0x77, bytes(_largest(client) + 1))),
        then=connection_error(FRAME_SIZE_ERROR),
    ),
    row(
        "4.2",
        "length of 16 MiB announced",
        frame(frames.DATA, flags=0, stream=1, length=2**24 - 1),
        then=connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    ),
]

ROWS = STARTING + FORMAT
