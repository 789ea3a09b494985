"""Origins with behaviours that a test can change while they serve."""

from collections.abc import Callable

from tests.lab.origin import Connection, Request, http_response

Behaviour = Callable[[Connection, Request], bool]
"""Handles a request whose head has been read; returns whether to keep the connection."""

RESPONSE = http_response(b"x" * 1000)
HEAD = RESPONSE.partition(b"x")[0]


class ScriptedServer:
    """A handler for `Origin`; `request_count` counts the requests of its current behaviour."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = responds_normally
        self.request_count = 0

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Use this behaviour from the next request on."""
        self.request_count = 0
        self.behaviour = behaviour

    def __call__(self, connection: Connection) -> None:
        if self.behaviour is resets_at_once:
            self.request_count += 1
            connection.reset()
            return
        while (request := connection.read_head()) is not None:
            self.request_count += 1
            if not self.behaviour(connection, request):
                return


def responds_normally(connection: Connection, request: Request) -> bool:
    """Send a complete response."""
    connection.read_body(request)
    connection.send(RESPONSE)
    return True


def resets_at_once(connection: Connection, request: Request) -> bool:
    """Reset a connection before reading from it."""
    connection.reset()
    return False


def resets_after_the_head(connection: Connection, request: Request) -> bool:
    """Reset the connection after the request's head."""
    connection.reset()
    return False


def ends_after_the_request(connection: Connection, request: Request) -> bool:
    """Read the whole request, and close the connection."""
    connection.read_body(request)
    return False


def ends_within_the_head(connection: Connection, request: Request) -> bool:
    """Send half of a response head, and close."""
    connection.read_body(request)
    connection.send(HEAD[:20])
    return False


def ends_within_the_body(connection: Connection, request: Request) -> bool:
    """Send half of a response, and close."""
    connection.read_body(request)
    connection.send(RESPONSE[:-500])
    return False


def resets_within_the_body(connection: Connection, request: Request) -> bool:
    """Send half of a response, and reset; the reset may discard the sent bytes."""
    connection.read_body(request)
    connection.send(RESPONSE[:-500])
    connection.reset()
    return False


def hangs(connection: Connection, request: Request) -> bool:
    """Read the request, and send nothing."""
    connection.read_body(request)
    # Wait until the proxy closes the connection.
    connection.receive()
    return False


def hangs_within_the_body(connection: Connection, request: Request) -> bool:
    """Send half of a response, and then nothing."""
    connection.read_body(request)
    connection.send(RESPONSE[:-500])
    # Wait until the proxy closes the connection.
    connection.receive()
    return False


def sends_no_http(connection: Connection, request: Request) -> bool:
    """Send bytes that are not HTTP."""
    connection.read_body(request)
    connection.send(b"\x16\x03\x01 is this HTTP?\r\n\r\n")
    return False


def sends_an_endless_head(connection: Connection, request: Request) -> bool:
    """Send a response head of 10,000 header lines without an end."""
    connection.read_body(request)
    connection.send(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 10_000)
    return False


def returns_503(connection: Connection, request: Request) -> bool:
    """Respond at once with 503."""
    connection.read_body(request)
    connection.send(http_response(b"overload", "503 Service Unavailable"))
    return True
