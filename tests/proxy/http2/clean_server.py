"""A server of HTTP/1.1 that takes only what is one clean request after the other, and records those."""

import re
import threading
from dataclasses import dataclass, field

from tests.lab.origin import Connection, Request, http_response

_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ (/[!-\x22\x24-~\x80-\xff]*|\*) HTTP/1\.1")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t -~\x80-\xff]*")


def decoded(request: Request) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the content of a recorded request without chunks, and its trailer lines."""
    if request.header("Transfer-Encoding") is None:
        return request.body, ()
    content = bytearray()
    rest = request.body
    while True:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line, 16)
        if not size:
            return bytes(content), tuple(line for line in rest.split(b"\r\n") if line)
        content += rest[:size]
        assert rest[size : size + 2] == b"\r\n", rest[:100]
        rest = rest[size + 2 :]


def faults(request: Request) -> str:
    """Return what is not clean about a head; empty if nothing is."""
    first, *lines = request.head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if not _LINE.fullmatch(first):
        return f"the request line {first!r}"
    for line in lines:
        if not _FIELD.fullmatch(line):
            return f"the line {line!r}"
    if len(request.all("Host")) != 1:
        return f"{len(request.all('Host'))} Host lines"
    lengths, codings = request.all("Content-Length"), request.all("Transfer-Encoding")
    if len(lengths) + len(codings) > 1:
        return f"two framings: {lengths} {codings}"
    if codings and codings != ["chunked"]:
        return f"the coding {codings}"
    if lengths and not lengths[0].isdecimal():
        return f"the length {lengths}"
    return ""


@dataclass(slots=True)
class CleanServer:
    """A handler of `Origin`; `whole` has the requests whose content came to its end."""

    response: bytes = http_response(b"hello")
    whole: list[Request] = field(default_factory=list)
    unclean: list[str] = field(default_factory=list)
    cut: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, connection: Connection) -> None:
        while (request := connection.read_head()) is not None:
            fault = faults(request)
            if fault:
                with self._lock:
                    self.unclean.append(fault)
                return
            try:
                connection.read_body(request)
            except ConnectionError:
                with self._lock:
                    self.cut += 1
                return
            with self._lock:
                self.whole.append(request)
            head = self.response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            connection.send(head if request.method == "HEAD" else self.response)
