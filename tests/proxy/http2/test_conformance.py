"""What RFC 9113 and RFC 7541 say that a server must do, as far as a client can provoke it."""

import pytest

from tests.lab.origin import Origin
from tests.proxy.http2.rows import (
    compression,
    flow_control,
    frame_rules,
    header_blocks,
    messages,
    starting,
    states,
)
from tests.proxy.http2.rows.row import Row, problem
from tests.proxy.running import Proxy

SECTIONS = (starting, header_blocks, states, frame_rules, flow_control, messages, compression)
ROWS = [row for section in SECTIONS for row in section.ROWS]


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case.id)
def test_a_client_s_frames(lone: Proxy, served: Origin, case: Row) -> None:
    assert problem(lone.web, case) == ""


def test_rows_have_names_of_their_own() -> None:
    assert len({case.id for case in ROWS}) == len(ROWS)
