import pytest

from proxy.http1.error_response import build_response, encode_response, error_content
from proxy.http1.response import parse_response


@pytest.mark.parametrize("status", [400, 404, 408, 414, 431, 501, 502, 503, 504, 505])
@pytest.mark.parametrize("keep_alive", [True, False])
def test_responses_are_complete_and_name_their_status(status: int, keep_alive: bool) -> None:
    data = encode_response(status, *error_content(status), keep_alive=keep_alive)
    response = parse_response(data, b"GET", 65536)
    assert response is not None
    body = data[response.size :]
    assert (response.status, response.length, response.keep_alive) == (status, len(body), keep_alive)
    assert body.startswith(b"%d " % status)
    assert body.endswith(b"\n")


def test_a_head_alone_has_the_length_of_the_unsent_body() -> None:
    content = error_content(404)
    whole, head = encode_response(404, *content), encode_response(404, *content, head_only=True)
    assert head.endswith(b"\r\n\r\n")
    assert whole.partition(b"\r\n\r\n")[0].split(b"\r\n")[2:] == head[:-4].split(b"\r\n")[2:]


def test_a_reason_is_sent_as_plain_text_and_the_connection_ends() -> None:
    data = build_response(400, reason="<b>no</b>")
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in data
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in data
    assert b"\r\nConnection: close\r\n" in data
    assert data.endswith(b"400 <b>no</b>\n")


def test_allowed_methods_are_named() -> None:
    assert error_content(405, allow="GET, HEAD")[0].endswith(b"\r\nAllow: GET, HEAD")
    assert b"Allow:" not in error_content(405)[0]


def test_a_200_has_no_content() -> None:
    head = encode_response(200, *error_content(200, allow="GET, HEAD"), keep_alive=True)
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert lines[2:] == [b"Allow: GET, HEAD", b"Content-Length: 0", b"Connection: keep-alive", b"", b""]


def test_a_204_has_no_content_length() -> None:
    assert b"Content-Length" not in encode_response(204, b"", b"")
