"""Tests of the lab's origin servers."""

import pytest

from tests.lab import http
from tests.lab.namespace import connect
from tests.lab.origin import Connection, Origin


def test_a_named_origin_responds_with_its_name_and_keeps_the_connection() -> None:
    with Origin.named("a") as origin, connect("127.0.0.1", origin.port) as connection:
        for _ in range(2):
            connection.sendall(http.message("any.host"))
            assert http.read_response(connection).text == "a"
        assert origin.connections == 1


def test_a_request_is_recorded_byte_for_byte() -> None:
    sent = (
        b"POST /%2e HTTP/1.1\r\nhost: h\r\nX-Odd:  two  \r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    )
    with Origin.named("a") as origin, connect("127.0.0.1", origin.port) as connection:
        connection.sendall(sent)
        (request,) = origin.wait_for_requests(1)
        assert http.read_response(connection).status == 200
    assert request.raw == sent
    assert (request.method, request.target, request.header("x-odd")) == ("POST", "/%2e", "two")


def test_a_chunked_body_is_recorded_with_its_framing() -> None:
    body = b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n"
    with Origin.named("a") as origin:
        headers = {"Transfer-Encoding": "chunked"}
        assert http.request(origin.port, "h", method="POST", headers=headers, body=body).text == "a"
        assert origin.requests[0].body == body


def test_a_handler_scripts_the_bytes_of_a_whole_connection() -> None:
    def cut(connection: Connection) -> None:
        connection.read()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    with Origin(cut) as origin:
        response = http.raw(origin.port, http.message("h"))
    assert response.endswith(b"\r\n\r\nhalf")


def test_a_reset_reaches_the_client() -> None:
    def reset(connection: Connection) -> None:
        connection.read()
        connection.reset()

    with Origin(reset) as origin, pytest.raises(ConnectionResetError):
        http.raw(origin.port, http.message("h"))


def test_a_failed_assertion_of_a_handler_fails_the_test() -> None:
    def handler(connection: Connection) -> None:
        assert connection.read() is None, "a request came"

    with pytest.raises(AssertionError, match="a request came"), Origin(handler) as origin:
        http.raw(origin.port, http.message("h"))


def test_a_closed_origin_refuses() -> None:
    with Origin.named("a") as origin:
        origin.refuse()
        with pytest.raises(ConnectionRefusedError):
            connect("127.0.0.1", origin.port)
