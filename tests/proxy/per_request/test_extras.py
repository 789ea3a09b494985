"""Response steps of an exchange."""

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
