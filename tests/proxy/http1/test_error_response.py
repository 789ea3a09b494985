import pytest

from proxy.http1.error_response import build_response
from proxy.http1.response import parse_response


@pytest.mark.parametrize("status", [400, 404, 408, 414, 431, 501, 502, 503, 504, 505])
@pytest.mark.parametrize("keep_alive", [True, False])
def test_responses_are_complete_and_name_their_status(status: int, keep_alive: bool) -> None:
    data = build_response(status, keep_alive=keep_alive)
    response = parse_response(data, b"GET", 65536)
    assert response is not None
    body = data[response.size :]
    assert (response.status, response.length, response.keep_alive) == (status, len(body), keep_alive)
    assert body.startswith(b"%d " % status)
    assert body.endswith(b"\n")


def test_a_head_alone_has_the_length_of_the_unsent_body() -> None:
    whole, head = build_response(404), build_response(404, head_only=True)
    assert head.endswith(b"\r\n\r\n")
    assert whole.partition(b"\r\n\r\n")[0].split(b"\r\n")[2:] == head[:-4].split(b"\r\n")[2:]


def test_a_reason_is_sent_as_plain_text() -> None:
    data = build_response(400, reason="<b>no</b>")
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in data
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in data
    assert data.endswith(b"400 <b>no</b>\n")


def test_allowed_methods_are_named() -> None:
    assert b"\r\nAllow: GET, HEAD\r\n" in build_response(405, allow="GET, HEAD")
    assert b"Allow:" not in build_response(405)


def test_a_200_has_no_content() -> None:
    head = build_response(200, keep_alive=True, allow="GET, HEAD")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert lines[2:] == [b"Allow: GET, HEAD", b"Content-Length: 0", b"Connection: keep-alive", b"", b""]
