"""Tests of the probe with a real server whose responses change."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.probe import wait_for_200
from tests.lab.ports import free_port

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
NOT_FOUND_AND_CLOSE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
HANG_UP = b""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def responding(*responses: bytes) -> Iterator[tuple[int, list[int]]]:
    """Run a server that sends these responses, then repeats the last one.

    Yield its port, and a list that gets the number of the connection for each request.
    """
    served: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            number = 0
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                number += 1
                with connection:
                    while connection.recv(65536):
                        response = responses[min(len(served), len(responses) - 1)]
                        served.append(number)
                        connection.sendall(response)
                        if not response or b"close" in response:
                            break

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], served
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize(
    ("responses", "earlier", "connections"),
    [
        ([OK], {}, [1]),
        ([NOT_FOUND, NOT_FOUND, OK], {404: 2}, [1, 1, 1]),
        ([NOT_FOUND, BAD_GATEWAY, OK], {404: 1, 502: 1}, [1, 1, 1]),
        ([NOT_FOUND_AND_CLOSE, OK], {404: 1}, [1, 2]),
        ([HANG_UP, NOT_FOUND, OK], {0: 1, 404: 1}, [1, 2, 2]),
    ],
    ids=["at once", "not found first", "bad gateway between", "closed by the server", "no response"],
)
def test_requests_are_sent_until_the_first_200_on_a_connection_that_is_reused(
    responses, earlier, connections
):
    with responding(*responses) as (port, served):
        before = time.time_ns()
        success = wait_for_200(partial(socket.create_connection, ("127.0.0.1", port), 60), "c1.bench", 60)
        assert before < success.at <= time.time_ns()
        assert success.earlier == earlier
        assert served == connections


def test_after_the_time_limit_the_error_has_the_statuses():
    with responding(NOT_FOUND) as (port, _), pytest.raises(BenchmarkError, match=r"c1\.bench was not.*404: "):
        wait_for_200(partial(socket.create_connection, ("127.0.0.1", port), 60), "c1.bench", 2)


def test_a_proxy_that_does_not_listen_yet_is_tried_again():
    port = free_port()
    with pytest.raises(BenchmarkError, match=r"0: \d"):
        wait_for_200(partial(socket.create_connection, ("127.0.0.1", port), 60), "c1.bench", 0.5)
