"""Response heads as values."""

from proxy.http1.response_head import ResponseHead

HEAD = b"HTTP/1.1 404 Nothing Here\r\nVary: A\r\nContent-Length: 3"


def test_an_unchanged_head_keeps_its_bytes() -> None:
    assert ResponseHead.parse(HEAD).encode() == HEAD
    assert ResponseHead.parse(b"HTTP/1.1 200 OK").encode() == b"HTTP/1.1 200 OK"


def test_lines_and_status_can_change() -> None:
    head = ResponseHead.parse(HEAD)
    assert (head.status, head.lines) == (404, b"\r\nVary: A\r\nContent-Length: 3")
    head.lines += b"\r\nX-A: 1"
    assert head.encode() == HEAD + b"\r\nX-A: 1"
    head.status = 410
    assert head.encode() == b"HTTP/1.1 410 Gone\r\nVary: A\r\nContent-Length: 3\r\nX-A: 1"


def test_an_unknown_status_has_an_empty_reason_phrase() -> None:
    head = ResponseHead.parse(HEAD)
    head.status = 599
    assert head.encode().startswith(b"HTTP/1.1 599 \r\n")
