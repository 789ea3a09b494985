"""Tests of the filter of GOAWAY frames."""

import pytest
from h2.connection import H2Connection

from tests.lab.goaway import Goaway, GoawayFilter

PING = b"\0\0\x08\x06\0\0\0\0\0" + b"pingpong"


@pytest.mark.parametrize("size", [1, 8, 9, 100])
def test_goaway_frames_are_taken_out(size: int) -> None:
    client = H2Connection()
    client.initiate_connection()
    client.data_to_send()
    client.close_connection(error_code=2, last_stream_id=5)
    goaway = client.data_to_send()
    frames = PING + goaway + PING
    filtered = GoawayFilter()
    others = b"".join(filtered.feed(frames[start : start + size]) for start in range(0, len(frames), size))
    assert others == PING * 2
    assert filtered.found == [Goaway(5, 2)]
