"""The preview of bodies that do not announce their length."""

from time import monotonic
from typing import cast

import gevent
import pytest

from proxy.exchange.body_preview import MAX_BYTES, preview_body
from proxy.exchange.errors import NoResponseError
from proxy.http1.response import CHUNKED, UNTIL_CLOSE
from proxy.net.stream import Stream


class Script:
    """A stream that returns these pieces, pauses for them, or fails with them; then it pauses for long."""

    expired = False

    def __init__(self, *steps: bytes | float | OSError) -> None:
        self._steps = list(steps)

    def recv(self) -> bytes:
        while True:
            step = self._steps.pop(0) if self._steps else 60.0
            if isinstance(step, bytes):
                return step
            if isinstance(step, OSError):
                raise step
            gevent.sleep(step)


def preview(length: int, data: bytes, wanted: int, *steps: bytes | float | OSError) -> tuple[bytes, int]:
    return preview_body(cast(Stream, Script(*steps)), length, data, wanted)


@pytest.mark.parametrize(
    ("length", "data", "steps", "received", "seen"),
    [
        (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", (), b"3\r\nabc\r\n0\r\n\r\n", 3),
        (CHUNKED, b"3\r\na", (b"bc\r\n", 0.001, b"0\r\n\r\n"), b"3\r\nabc\r\n0\r\n\r\n", 3),
        (CHUNKED, b"", (b"a\r\n0123456789\r\n", b"0\r\n\r\n"), b"a\r\n0123456789\r\n", -1),
        (CHUNKED, b"3\r\nabc\r\n", (), b"3\r\nabc\r\n", -1),
        (CHUNKED, b"3\r\nabc\r\n", (b"",), b"3\r\nabc\r\n", -1),
        (CHUNKED, b"3\r\nabc\r\n", (b"x\r\n",), b"3\r\nabc\r\nx\r\n", -1),
        (UNTIL_CLOSE, b"abc", (b"de", b""), b"abcde", 5),
        (UNTIL_CLOSE, b"abc", (b"defghijk",), b"abcdefghijk", -1),
        (UNTIL_CLOSE, b"abc", (), b"abc", -1),
    ],
)
def test_the_length_is_known_if_the_body_ends_within_the_preview(
    length: int, data: bytes, steps: tuple[bytes | float | OSError, ...], received: bytes, seen: int
) -> None:
    assert preview(length, data, 10, *steps) == (received, seen)


def test_a_server_that_pauses_does_not_keep_its_client_waiting() -> None:
    began = monotonic()
    trickle = (b"x", 0.004) * 1000
    received, seen = preview(UNTIL_CLOSE, b"", 1000, *trickle)
    assert 0 < len(received) < 1000
    assert seen == -1
    assert monotonic() - began < 1


def test_a_preview_is_never_longer_than_its_limit() -> None:
    pieces = [b"x" * 65536] * 100
    received, seen = preview(UNTIL_CLOSE, b"", 1 << 30, *pieces)
    assert (len(received), seen) == (MAX_BYTES, -1)


def test_a_connection_that_breaks_within_the_preview_is_a_failed_attempt() -> None:
    with pytest.raises(NoResponseError) as error:
        preview(CHUNKED, b"3\r\nabc\r\n", 10, ConnectionResetError())
    assert (error.value.status, error.value.try_others) == (502, False)
