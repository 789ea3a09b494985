"""Requests and responses as values: bodies that are read or replaced, and values that are refused."""

from collections.abc import Callable, Iterator

import pytest

from rondpoint.middleware import BodyError, Request, Response


def pieces(*items: bytes) -> Iterator[bytes]:
    yield from items


@pytest.mark.parametrize(
    "body", [b"onetwo", "onetwo", pieces(b"one", b"two"), [b"one", b"two"], bytearray(b"onetwo")]
)
def test_a_body_is_read_as_a_whole_and_stays(body: object) -> None:
    response = Response(body=body)  # type: ignore[arg-type]
    assert response.read() == b"onetwo"
    assert response.read() == b"onetwo"
    assert list(response.body) == [b"onetwo"]


def test_a_body_is_changed_piece_by_piece() -> None:
    response = Response(body=pieces(b"one", b"two"))
    response.body = (piece.upper() for piece in response.body)
    assert list(response.body) == [b"ONE", b"TWO"]
    assert list(response.body) == []


@pytest.mark.parametrize("body", [b"12345", pieces(b"123", b"45")])
def test_a_body_beyond_the_limit_is_refused_and_still_there(body: object) -> None:
    request = Request(body=body)  # type: ignore[arg-type]
    with pytest.raises(BodyError, match="more than 4 bytes") as caught:
        request.read(limit=4)
    assert caught.value.status == 413
    assert b"".join(request.body) == b"12345"


def test_a_target_is_a_path_and_a_query() -> None:
    request = Request(target="/a%20b?c=/d?e")
    assert (request.path, request.query) == ("/a%20b", "c=/d?e")
    request.path = "/f"
    assert request.target == "/f?c=/d?e"
    request.query = ""
    assert request.target == "/f"


def set_path(value: str) -> None:
    Request().path = value


def set_query(value: str) -> None:
    Request().query = value


@pytest.mark.parametrize(
    ("change", "value"),
    [
        *((set_path, value) for value in ("", "a", "/a b", "/a?b", "/a#b", "/a\r\nb", "/ü", "http://a/")),
        *((set_query, value) for value in ("a b", "a#b", "a\nb", "ü")),
    ],
)
def test_targets_that_no_request_can_have_are_refused(change: Callable[[str], None], value: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        change(value)


@pytest.mark.parametrize("status", [0, 100, 101, 199, 600])
def test_statuses_that_no_response_can_have_are_refused(status: int) -> None:
    with pytest.raises(ValueError, match="200 to 599"):
        Response(status)


def test_a_request_has_its_host_as_a_header() -> None:
    request = Request(host="a.test:81", headers={"X-A": "b"})
    assert (request.host, request.headers["host"], request.headers["X-A"]) == ("a.test:81", "a.test:81", "b")
