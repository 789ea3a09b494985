"""Sessions with servers that behave in other ways than a healthy ZooKeeper."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from discovery.connections.addresses import Address
from discovery.providers.errors import ProviderError
from discovery.providers.zookeeper_client import session as sessions
from discovery.providers.zookeeper_client.endpoint import Endpoint
from discovery.providers.zookeeper_client.errors import ClosedError
from discovery.providers.zookeeper_client.records import Event, EventKind, Operation
from discovery.providers.zookeeper_client.session import Session
from tests.lab.ports import free_port


def frame(content: bytes) -> bytes:
    return struct.pack("!i", len(content)) + content


def connected(milliseconds: int) -> bytes:
    """Return the reply to the first frame."""
    return frame(struct.pack("!iiq", 0, milliseconds, 1) + frame(bytes(16)) + b"\0")


def reply(number: int, error: int = 0, content: bytes = b"") -> bytes:
    return frame(struct.pack("!iqi", number, 1, error) + content)


def event(kind: EventKind, path: str) -> bytes:
    return reply(-1, content=struct.pack("!ii", kind, 3) + frame(path.encode()))


WELCOME = connected(10_000)


@contextmanager
def server(*answers: bytes) -> Iterator[Endpoint]:
    """Run a server that sends the next answer after each frame; after the last one it sends nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    (length,) = struct.unpack("!i", connection.recv(4, socket.MSG_WAITALL))
                    connection.recv(length, socket.MSG_WAITALL)
                    connection.sendall(answer)
                done.wait(60)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield Endpoint(Address("127.0.0.1", listener.getsockname()[1]))
        finally:
            done.set()
            thread.join(60)


def watch(endpoint: Endpoint) -> None:
    with Session(endpoint) as session:
        session.watch("/traefik")


def read(endpoint: Endpoint) -> None:
    with Session(endpoint) as session:
        session.read(Operation.GET_DATA, ["/traefik"])


def watch_children(endpoint: Endpoint) -> None:
    with Session(endpoint) as session:
        session.watch_children("/mesos")


def read_data(endpoint: Endpoint) -> None:
    with Session(endpoint) as session:
        session.data("/mesos")


FAULTS: dict[str, tuple[Callable[[Endpoint], None], Sequence[bytes], str]] = {
    "another protocol": (watch, [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "does not speak ZooKeeper's protocol"),
    "a short first reply": (watch, [frame(b"ab")], "does not speak ZooKeeper's protocol"),
    "no session": (watch, [connected(0)], "opens no session"),
    "ZooKeeper 3.5": (watch, [WELCOME, reply(1, -6)], "has no persistent watches"),
    "an error for a watch": (watch, [WELCOME, reply(1, -3)], r"does not watch /traefik \(error -3\)"),
    "an error for reads": (read, [WELCOME, reply(1, -4)], r"several znodes at once \(error -4\)"),
    "an error for children": (watch_children, [WELCOME, reply(1, -4)], r"return /mesos \(error -4\)"),
    "children that may not be read": (
        watch_children,
        [WELCOME, reply(1, -102)],
        "does not let the agent read",
    ),
    "cut children": (watch_children, [WELCOME, reply(1, 0, b"\0")], "does not speak ZooKeeper's protocol"),
    "data that may not be read": (read_data, [WELCOME, reply(1, -102)], "does not let the agent read"),
    "a reply to nothing": (watch, [WELCOME, reply(7)], "a reply with the number 7"),
    "cut results": (read, [WELCOME, reply(1, 0, b"\0\0")], "does not speak ZooKeeper's protocol"),
    "too few results": (
        read,
        [WELCOME, reply(1, 0, b"\xff\xff\xff\xff\x01\xff\xff\xff\xff")],
        "0 results for 1 reads",
    ),
}


@pytest.mark.parametrize(("act", "answers", "words"), FAULTS.values(), ids=FAULTS)
def test_a_server_that_is_not_usable_is_named(
    act: Callable[[Endpoint], None], answers: Sequence[bytes], words: str
) -> None:
    with server(*answers) as endpoint, pytest.raises(ProviderError, match=words) as error:
        act(endpoint)
    assert str(endpoint) in error.value.message


def test_children_of_a_path_that_is_created_while_they_are_read() -> None:
    children = struct.pack("!i", 1) + frame(b"a")
    # The path is missing at first, exists when that is asked, and so the children are read once more.
    with (
        server(WELCOME, reply(1, -101), reply(2), reply(3, 0, children)) as endpoint,
        Session(endpoint) as session,
    ):
        assert session.watch_children("/mesos") == ["a"]


def test_a_server_that_does_not_listen_is_named() -> None:
    port = free_port()
    with pytest.raises(ProviderError, match=f"ZooKeeper at 127.0.0.1:{port} cannot be reached: .*refused"):
        watch(Endpoint(Address("127.0.0.1", port)))


def test_a_server_that_falls_silent_is_noticed() -> None:
    # The session's timeout is what the server says.
    with server(connected(150), reply(1)) as endpoint, Session(endpoint) as session:
        session.watch("/traefik")
        with pytest.raises(ProviderError, match="does not answer"):
            session.events()


def test_a_server_that_never_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSION_TIMEOUT", 0.1)
    with server() as endpoint, pytest.raises(ProviderError, match="does not answer"):
        watch(endpoint)


def test_replies_to_pings_keep_a_quiet_session_alive() -> None:
    ping = reply(-2)
    late = event(EventKind.CHANGED, "/traefik/a")
    with server(connected(900), reply(1), ping, ping, ping + late) as endpoint, Session(endpoint) as session:
        session.watch("/traefik")
        assert session.events() == [Event(EventKind.CHANGED, "/traefik/a")]


def test_events_before_a_reply_are_kept_and_a_burst_is_one() -> None:
    early = event(EventKind.CREATED, "/traefik/a") + event(EventKind.DELETED, "/traefik/b")
    late = event(EventKind.CHANGED, "/traefik/c")
    with server(WELCOME, early + reply(1) + late) as endpoint, Session(endpoint) as session:
        session.watch("/traefik")
        assert session.events() == [
            Event(EventKind.CREATED, "/traefik/a"),
            Event(EventKind.DELETED, "/traefik/b"),
            Event(EventKind.CHANGED, "/traefik/c"),
        ]


def test_another_thread_interrupts_a_wait_for_events() -> None:
    with server(WELCOME) as endpoint, Session(endpoint) as session:
        timer = threading.Timer(0.05, session.abort)
        timer.start()
        with pytest.raises(ClosedError):
            session.events()
        with pytest.raises(ClosedError):
            session.sync("/traefik")
        timer.join()
