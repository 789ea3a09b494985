"""The relay of filtered bodies: whatever the pieces and the framing, the client gets the original."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.downstream.connection import ClientConnection
from proxy.exchange.filtered_relay import relay_filtered
from proxy.exchange.response_relay import COMPLETE, CUT, WITH_EXCESS, Outcome
from proxy.http1.chunked import ChunkedDecoder, encode_chunk, last_chunk
from proxy.http1.response import parse_response
from proxy.middlewares.compression.encoders import ENCODERS
from tests.lab.decoding import CODINGS, decode, is_complete

STATUS = b"HTTP/1.1 200 OK"


class ServerStream:
    """Returns these pieces, then the end. `ready` says after which of them more bytes are there at once."""

    expired = False
    plain = True
    trailers = b""

    def __init__(self, pieces: list[bytes], ready: list[bool]) -> None:
        self._pieces = list(pieces)
        self._ready = list(ready)

    def recv(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def has_bytes(self) -> bool:
        return bool(self._pieces) and bool(self._ready) and self._ready.pop()


class Receiver(ClientConnection):
    """A client: `received` are all bytes that it gets."""

    def __init__(self) -> None:
        self.received = b""
        self.sends = 0
        self.sent = 0
        self.stream: Any = SimpleNamespace(send=self.send)
        timeouts = SimpleNamespace(pause=0.0)
        self.context: Any = SimpleNamespace(
            sweeper=SimpleNamespace(streams=set()), upstream_timeouts=timeouts, draining=False
        )

    def send(self, data: bytes) -> None:
        self.received += data
        self.sends += 1


def relayed(
    coding: str, lines: bytes, body: bytes, cuts: list[int], ready: list[bool], version: int = 1
) -> tuple[Outcome, Receiver, bytes, bytes]:
    """Relay `body`, cut into pieces; return the outcome, the client, and the body and trailers it got."""
    response = parse_response(STATUS + lines + b"\r\n\r\n", b"GET", 65536)
    assert response is not None
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    first, *pieces = [body[start:end] for start, end in pairwise(places)]
    client = Receiver()
    request: Any = SimpleNamespace(version=version, keep_alive=True)
    stream: Any = ServerStream([piece for piece in pieces if piece], ready)
    encoder = ENCODERS[coding]()()
    outcome = relay_filtered(client, request, stream, response, STATUS, first, bool(version), encoder)
    head, _, content = client.received.partition(b"\r\n\r\n")
    assert (b"\r\nTransfer-Encoding: chunked" in head) is bool(version)
    if not version:
        return outcome, client, content, b""
    decoder = ChunkedDecoder()
    got = decoder.feed(content)
    assert decoder.finished is (outcome is not CUT)
    assert not decoder.rest
    return outcome, client, got, decoder.trailers


CHUNKS = st.lists(
    st.one_of(st.binary(max_size=99), st.binary(min_size=1, max_size=3).map(lambda piece: piece * 20_000)),
    max_size=4,
)
CUTS = st.lists(st.integers(0, 200_000), max_size=5)
READY = st.lists(st.booleans(), max_size=5)


@given(
    st.sampled_from(CODINGS),
    st.sampled_from(("length", "chunked", "close")),
    CHUNKS,
    CUTS,
    READY,
    st.booleans(),
)
def test_decoding_gives_the_original(
    coding: str, framing: str, chunks: list[bytes], cuts: list[int], ready: list[bool], modern: bool
) -> None:
    original = b"".join(chunks)
    lines, body = b"", original
    if framing == "length":
        lines = b"\r\nContent-Length: %d" % len(original)
    elif framing == "chunked":
        lines = b"\r\nTransfer-Encoding: chunked"
        body = b"".join(map(encode_chunk, chunks)) + last_chunk(b"X-Sum: 1\r\n")
    outcome, client, got, trailers = relayed(coding, lines, body, cuts, ready, int(modern))
    assert outcome is COMPLETE
    assert decode(coding, got) == original
    assert is_complete(coding, got)
    assert client.sent == len(got)
    assert trailers == (b"X-Sum: 1\r\n" if framing == "chunked" and modern else b"")


@given(st.sampled_from(CODINGS), st.booleans(), st.binary(min_size=2, max_size=50), CUTS, READY)
def test_a_body_that_is_cut_short_never_looks_complete(
    coding: str, chunked: bool, original: bytes, cuts: list[int], ready: list[bool]
) -> None:
    lines, body = b"\r\nContent-Length: %d" % len(original), original[:-1]
    if chunked:
        lines, body = b"\r\nTransfer-Encoding: chunked", encode_chunk(original)
    outcome, _, got, _ = relayed(coding, lines, body, cuts, ready)
    assert outcome is CUT
    assert not is_complete(coding, got)


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (b"\r\nContent-Length: 3", b"abcHTTP/1.1 200 Smuggled"),
        (b"\r\nTransfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 Smuggled"),
    ],
)
def test_bytes_after_the_body_are_not_forwarded(lines: bytes, body: bytes) -> None:
    outcome, _, got, _ = relayed("gzip", lines, body, [], [])
    assert outcome is WITH_EXCESS
    assert decode("gzip", got) == b"abc"


def test_a_body_that_has_arrived_leaves_in_one_send() -> None:
    _, client, got, _ = relayed("gzip", b"\r\nContent-Length: 2000", b"x" * 2000, [], [])
    assert client.sends == 1
    assert decode("gzip", got) == b"x" * 2000
