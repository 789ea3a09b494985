"""Steps of an exchange for its response and for the lines that the proxy adds to its request."""

from proxy.http1.response_head import ResponseHead
from proxy.per_request.extras import Extras


def test_steps_that_were_added_later_apply_first() -> None:
    extras = Extras()
    order: list[str] = []

    def outer(head: ResponseHead) -> None:
        order.append("outer")
        head.lines += b"\r\nX-Outer: 1"

    def inner(head: ResponseHead) -> None:
        order.append("inner")
        head.status = 418

    extras.at_response(outer)
    extras.at_response(inner)
    extras.cookie = b"\r\nSet-Cookie: a=b"
    head = extras.complete_head(b"HTTP/1.1 200 OK\r\nVary: A")
    assert order == ["inner", "outer"]
    assert head == b"HTTP/1.1 418 I'm a Teapot\r\nVary: A\r\nSet-Cookie: a=b\r\nX-Outer: 1"


def test_without_steps_a_head_keeps_its_bytes() -> None:
    assert Extras().complete_head(b"HTTP/1.1 200 Fine") == b"HTTP/1.1 200 Fine"


def test_steps_for_added_lines_apply_in_order() -> None:
    extras = Extras()
    assert extras.apply_forwarded_steps(b"\r\nX-A: 1") == b"\r\nX-A: 1"
    extras.at_forwarding(lambda lines: lines + b"\r\nX-B: 2")
    extras.at_forwarding(lambda lines: lines.replace(b"2", b"3"))
    assert extras.apply_forwarded_steps(b"\r\nX-A: 1") == b"\r\nX-A: 1\r\nX-B: 3"
