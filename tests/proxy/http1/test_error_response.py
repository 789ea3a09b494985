import pytest

from proxy.http1.error_response import build_response, error_content, local_head
from proxy.http1.response import parse_response


@pytest.mark.parametrize("status", [400, 404, 408, 414, 431, 501, 502, 503, 504, 505])
def test_a_response_is_complete_names_its_status_and_ends_the_connection(status: int) -> None:
    data = build_response(status)
    response = parse_response(data, b"GET", 65536)
    assert response is not None
    body = data[response.size :]
    assert (response.status, response.length, response.keep_alive) == (status, len(body), False)
    assert body.startswith(b"%d " % status)
    assert body.endswith(b"\n")


def test_a_reason_is_sent_as_plain_text() -> None:
    data = build_response(400, reason="<b>no</b>")
    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in data
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in data
    assert data.endswith(b"400 <b>no</b>\n")


def test_allowed_methods_are_named() -> None:
    assert error_content(405, allow="GET, HEAD")[0].endswith(b"\r\nAllow: GET, HEAD")
    assert b"Allow:" not in error_content(405)[0]


def test_a_200_has_no_content() -> None:
    lines, content = error_content(200, allow="GET, HEAD")
    assert (lines, content) == (b"\r\nAllow: GET, HEAD", b"")


def test_a_head_has_the_date_its_lines_and_the_length_of_the_content() -> None:
    status, date, *lines = local_head(200, b"\r\nAllow: GET", 7).split(b"\r\n")
    assert status == b"HTTP/1.1 200 OK"
    assert date.startswith(b"Date: ")
    assert lines == [b"Allow: GET", b"Content-Length: 7"]


def test_a_204_has_no_content_length() -> None:
    assert b"Content-Length" not in local_head(204, b"", 0)
