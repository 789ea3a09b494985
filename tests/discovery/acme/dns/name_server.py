"""A small name server of the tests, for answers that a real one gives only when something is wrong."""

import socket
from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.lab.background import Background
from tests.lab.ports import free_port


class StandInNameServer(Background):
    """Answers queries over UDP from `records`: lines of a zone file, with absolute names and without a TTL.

    Names in `failing` get SERVFAIL, other unknown names NXDOMAIN. While `silent`, it answers nothing. It
    follows no CNAME records. `asked` holds names and types of queries, `recursion` whether they ask for it.
    """

    def __init__(
        self, records: Iterable[str] = (), *, address: str = "127.0.0.1", port: int | None = None
    ) -> None:
        self.records = list(records)
        self.failing = set[str]()
        self.silent = False
        self.asked: list[str] = []
        self.recursion: list[bool] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, port or free_port()))
        self.address, self.port = self._socket.getsockname()
        super().__init__("name server")

    def stop(self) -> None:
        # The empty datagram ends the thread, which a mere close would leave in `recvfrom`.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", (self.address, self.port))

    def run(self) -> None:
        with self._socket:
            self._serve()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            question = query.question[0]
            name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
            self.asked.append(f"{name} {kind}")
            self.recursion.append(bool(query.flags & dns.flags.RD))
            if not self.silent:
                self._socket.sendto(self._answer(query, name, kind).to_wire(), client)

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        known = [line.split(None, 2) for line in list(self.records) if line.split()[0] == name]
        if not known:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        values = [value for _, found, value in known if found in (kind, "CNAME")]
        kinds = {found for _, found, value in known if found in (kind, "CNAME")}
        if values:
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", kinds.pop(), values))
        return answer


ZONE = (
    "example.test. SOA ns.example.test. hostmaster.example.test. 1 60 60 3600 60",
    "example.test. NS ns.example.test.",
    "ns.example.test. A 127.0.0.1",
)
"""The records of a zone whose only name server is at 127.0.0.1."""
