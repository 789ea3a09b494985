"""An origin whose mood a test can change while it serves."""

from collections.abc import Callable

from tests.lab.origin import Connection, Request, answer

Mood = Callable[[Connection, Request], bool]
"""Meets a request whose head has been read; whether the connection goes on."""

WHOLE = answer(b"x" * 1000)
HEAD = WHOLE.partition(b"x")[0]


class Moody:
    """A handler for `Origin`; `met` counts the requests that its present mood has met."""

    def __init__(self) -> None:
        self.mood: Mood = sound
        self.met = 0

    def turn(self, mood: Mood) -> None:
        """Behave so from the next request on."""
        self.met = 0
        self.mood = mood

    def __call__(self, connection: Connection) -> None:
        if self.mood is resets_at_once:
            self.met += 1
            connection.reset()
            return
        while (request := connection.read_head()) is not None:
            self.met += 1
            if not self.mood(connection, request):
                return


def sound(connection: Connection, request: Request) -> bool:
    """Answers as it should."""
    connection.read_body(request)
    connection.send(WHOLE)
    return True


def resets_at_once(connection: Connection, request: Request) -> bool:
    """Resets connections before it has read from them."""
    connection.reset()
    return False


def resets_after_the_head(connection: Connection, request: Request) -> bool:
    """Resets once it has read the request's head, whatever follows."""
    connection.reset()
    return False


def ends_after_the_request(connection: Connection, request: Request) -> bool:
    """Reads all of the request, and ends the connection in order."""
    connection.read_body(request)
    return False


def ends_within_the_head(connection: Connection, request: Request) -> bool:
    """Sends half of a response head."""
    connection.read_body(request)
    connection.send(HEAD[:20])
    return False


def ends_within_the_body(connection: Connection, request: Request) -> bool:
    """Sends half of an answer."""
    connection.read_body(request)
    connection.send(WHOLE[:-500])
    return False


def resets_within_the_body(connection: Connection, request: Request) -> bool:
    """Sends half of an answer, and resets; what was sent may be lost with it."""
    connection.read_body(request)
    connection.send(WHOLE[:-500])
    connection.reset()
    return False


def hangs(connection: Connection, request: Request) -> bool:
    """Reads the request, and says nothing."""
    connection.read_body(request)
    # Until the proxy has enough of it.
    connection.receive()
    return False


def hangs_within_the_body(connection: Connection, request: Request) -> bool:
    """Sends half of an answer, and then nothing."""
    connection.read_body(request)
    connection.send(WHOLE[:-500])
    # Until the proxy has enough of it.
    connection.receive()
    return False


def talks_rubbish(connection: Connection, request: Request) -> bool:
    """Answers in no protocol."""
    connection.read_body(request)
    connection.send(b"\x16\x03\x01 is this HTTP?\r\n\r\n")
    return False


def overflows(connection: Connection, request: Request) -> bool:
    """Answers with a head that never ends."""
    connection.read_body(request)
    connection.send(b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 10_000)
    return False


def storms(connection: Connection, request: Request) -> bool:
    """Answers at once that it cannot."""
    connection.read_body(request)
    connection.send(answer(b"overload", "503 Service Unavailable"))
    return True
