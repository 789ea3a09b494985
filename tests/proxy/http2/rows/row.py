"""A row of the conformance tables: what a client sends, and what the RFC lets a server do about it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.lab.http2 import frames
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import headers, window_update

WAIT = 20.0
"""Seconds in which everything that is expected must have come."""

PROBE = 1_000_001
"""The stream that shows whether the connection is still usable."""

Step = bytes | Callable[[Client], object]
"""Bytes to send, or a function that sends or waits by itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What may happen: any one of the kinds that are given."""

    connection: frozenset[int] = frozenset()  # codes of a GOAWAY, after which the connection ends
    stream: frozenset[int] = frozenset()  # codes of a RST_STREAM; the connection stays usable
    statuses: frozenset[int] = frozenset()  # of a response on the stream; the connection stays usable
    alive: bool = False  # the connection stays usable, whatever happens on the stream
    bare_close: bool = False  # the connection ends without GOAWAY
    on: int = 1  # the stream

    def __or__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.connection | other.connection,
            self.stream | other.stream,
            self.statuses | other.statuses,
            self.alive or other.alive,
            self.bare_close or other.bare_close,
            max(self.on, other.on),
        )


def connection_error(*codes: int) -> Outcome:
    """Return an outcome for faults that MUST be errors of the connection."""
    return Outcome(connection=frozenset(codes))


def stream_error(*codes: int, on: int = 1) -> Outcome:
    """Return an outcome for faults of a stream; the RFC lets a peer end the connection instead (§5.4.2)."""
    return Outcome(connection=frozenset(codes), stream=frozenset(codes), on=on)


def malformed(*statuses: int, on: int = 1) -> Outcome:
    """Return an outcome for malformed requests: a stream error or a response that refuses (§8.1.1)."""
    return stream_error(frames.PROTOCOL_ERROR, on=on) | Outcome(statuses=frozenset({400, *statuses}), on=on)


def answered(*statuses: int, on: int = 1) -> Outcome:
    return Outcome(statuses=frozenset(statuses or {200}), on=on)


ALIVE = Outcome(alive=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One case; `check` must come true, too, before the time is over."""

    section: str
    name: str
    steps: tuple[Step, ...]
    outcome: Outcome
    check: Callable[[Client], bool] | None = None
    starts: bool = True  # the preface and empty SETTINGS are sent before the steps
    probes: bool = True  # a request shows whether the connection is usable; otherwise only a PING does
    table: int = 4096  # the largest dynamic table that the client takes
    grants: bool = True  # the client gives windows back

    @property
    def id(self) -> str:
        return f"{self.section} {self.name}"


def row(
    section: str, name: str, *steps: Step, then: Outcome, check: Callable[[Client], bool] | None = None
) -> Row:
    return Row(section, name, steps, then, check)


def raw(section: str, name: str, *steps: Step, then: Outcome) -> Row:
    """Return a row whose steps include the preface."""
    return Row(section, name, steps, then, starts=False)


def without_grants(given: Row) -> Row:
    return replace(given, grants=False)


def over(number: int = 1) -> Step:
    """Wait until this stream is over."""
    return lambda client: client.wait(lambda: client.stream(number).over or client.goaway, WAIT)


def received(number: int, size: int) -> Step:
    """Wait until so many bytes of content have come."""
    return lambda client: client.wait(
        lambda: client.stream(number).heads and len(client.stream(number).content) >= size, WAIT
    )


def turn(client: Client) -> None:
    """Wait until the server has taken everything so far."""
    client.ping(b"turnturn", WAIT)


def problem(port: int, case: Row, *, strict: bool = True, tls: ssl.SSLContext | None = None) -> str:
    """Perform this row and return what is wrong; empty if nothing is.

    A peer that is not `strict` may end a connection without GOAWAY.
    """
    with Client(port, tls=tls, table=case.table, grants=case.grants, timeout=WAIT) as client:
        if case.starts:
            client.start()
        for step in case.steps:
            if isinstance(step, bytes):
                client.send(step)
            else:
                step(client)
        return _verdict(client, case, strict)


def _verdict(client: Client, case: Row, strict: bool) -> str:
    wanted = case.outcome
    stream = client.stream(wanted.on)

    def has_ended() -> bool:
        return client.closed or (client.goaway is not None and client.goaway.code != frames.NO_ERROR)

    if (wanted.stream or wanted.statuses) and not wanted.alive:
        client.wait(lambda: has_ended() or stream.over or _refused(client, case), WAIT)
    elif not wanted.alive:
        client.wait(has_ended, WAIT)
    if case.check is not None and not client.wait(lambda: case.check and case.check(client), WAIT):
        return f"the expected does not come: {client.told()}"
    usable = not has_ended() and _usable(client, case)
    if usable:
        return "" if _stream_is_right(client, wanted) else f"usable, but: {client.told()}"
    if client.goaway is not None and client.goaway.code != frames.NO_ERROR:
        if client.goaway.code not in wanted.connection:
            return f"GOAWAY with code {client.goaway.code}: {client.told()}"
        return "" if client.wait_for_end(WAIT) else "not closed after GOAWAY"
    if not client.closed and client.goaway is None:
        return f"neither usable nor closed: {client.told()}"
    if wanted.bare_close or (not strict and wanted.connection):
        return "" if not wanted.statuses or _stream_is_right(client, wanted) else f"closed: {client.told()}"
    return f"closed without a reason: {client.told()}"


def _refused(client: Client, case: Row) -> bool:
    """Whether a refusal has come; its stream need not be over, because the request is not."""
    return client.stream(case.outcome.on).status >= 400


def _stream_is_right(client: Client, wanted: Outcome) -> bool:
    stream = client.stream(wanted.on)
    if wanted.alive:
        return True
    if stream.status:
        return stream.status in wanted.statuses
    return stream.reset is not None and stream.reset in wanted.stream


def _usable(client: Client, case: Row) -> bool:
    if not case.probes:
        return client.ping(timeout=WAIT)
    client.send(headers(PROBE, head()))
    if not case.grants:
        client.send(window_update(PROBE, 100))
    probe = client.stream(PROBE)
    client.wait(lambda: probe.over or client.goaway is not None, WAIT)
    return probe.status == 200 and probe.ended
