"""Servers and clients for UDP."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

SECONDS = 5.0
"""Seconds that a client waits for a reply."""


class UdpEcho:
    """A server in a thread: replies with its name, the client's port and what it has received.

    It sends no reply to `silent`. `received` lists all datagrams.
    """

    def __init__(self, name: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self.name = name
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self.port: int = self._socket.getsockname()[1]
        self.received: list[bytes] = []
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server; its port then refuses datagrams."""
        if self._socket.fileno() < 0:
            return
        with socket.socket(self._socket.family, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"stop", (self.host, self.port))
        self._thread.join(SECONDS)
        self._socket.close()

    def _run(self) -> None:
        while True:
            datagram, client = self._socket.recvfrom(65_536)
            if datagram == b"stop":
                return
            self.received.append(datagram)
            if datagram != b"silent":
                self._socket.sendto(b"%s %d %s" % (self.name.encode(), client[1], datagram), client)


class UdpClient:
    """A client with an address of its own, connected to one address of a proxy."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(SECONDS)
        # A connected socket takes replies only from the address that it has sent to.
        self._socket.connect((host, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def send(self, datagram: bytes) -> None:
        self._socket.send(datagram)

    def receive(self) -> bytes:
        """Return the next reply. Raises TimeoutError."""
        return self._socket.recv(65_536)

    def ask(self, datagram: bytes = b"?") -> bytes:
        """Send a datagram and return the reply. Raises TimeoutError."""
        self.send(datagram)
        return self.receive()

    def server(self, datagram: bytes = b"?") -> str:
        """Send a datagram and return the name of the server that has replied. Raises TimeoutError."""
        name, _, echo = self.ask(datagram).split(b" ", 2)
        assert echo == datagram
        return name.decode()

    def source(self) -> int:
        """Return the port from which the proxy sends this client's datagrams to the server."""
        return int(self.ask().split(b" ", 2)[1])


def clients(port: int, count: int, stack: ExitStack, host: str = "127.0.0.1") -> list[UdpClient]:
    """Return clients that are closed with `stack`."""
    return [stack.enter_context(UdpClient(port, host)) for _ in range(count)]


def bound_ports(pid: int = 0) -> set[int]:
    """Return the local ports of all UDP sockets of this machine, or of those of one process."""
    rows = [
        line.split()
        for version in ("udp", "udp6")
        for line in Path(f"/proc/net/{version}").read_text().splitlines()[1:]
    ]
    inodes = _socket_inodes(pid) if pid else {row[9] for row in rows}
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[9] in inodes}


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # A socket may be closed meanwhile.
        with suppress(FileNotFoundError):
            found.add(descriptor.readlink().name)
    return {name[8:-1] for name in found if name.startswith("socket:[")}
