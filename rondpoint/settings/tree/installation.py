"""What Rondpoint has and Traefik has not: the store, processes, limits."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import NonNegativeInt, PositiveInt, Seconds, Text, parse_text
from rondpoint.store.address import parse


def _store_url(value: object) -> object:
    if value is None:
        return None
    url = parse_text(value).strip()
    parse(url)
    return url


def _namespace(value: object) -> object:
    # Braces would end the hash tag of the keys, and a colon would blur where the namespace ends.
    if not isinstance(value, str) or not value or not value.replace("-", "").replace("_", "").isalnum():
        raise ValueError("expected letters, digits, - and _")
    return value


def _agent_name(value: object) -> object:
    # It becomes a piece of keys, and of servers' names.
    name = parse_text(value).strip()
    if not re.fullmatch(r"[A-Za-z0-9._-]*", name):
        raise ValueError("expected letters, digits, ., - and _")
    return name


class Redis(Section):
    url: Annotated[str | None, BeforeValidator(_store_url)] = Field(
        default=None,
        description="The store that agents and proxies share ([its forms](redis.md#where-it-is)); without it "
        "`rondpoint up` runs one itself.",
    )
    namespace: Annotated[Text, BeforeValidator(_namespace)] = Field(
        default="default", description="Keeps several installations in one Redis apart."
    )


class AgentOptions(Section):
    name: Annotated[Text, BeforeValidator(_agent_name)] = Field(
        default="",
        description="Several agents feed one installation, each from sources of its own, when each has "
        "another name: that of its machine, say. Agents of one name, or without, stand by for each other.",
    )
    forget_after: Seconds = Field(
        default=60.0,
        description="Time after which what an agent with a name has contributed goes, when no agent of that "
        "name is there any more. 0 for at once, be it a restart. That of the agent that leads counts.",
    )


class Limits(Section):
    head_bytes: PositiveInt = Field(
        default=65_536, description="Bytes of a request head, request line included. Larger ones get a 431."
    )
    target_bytes: PositiveInt = Field(
        default=16_384,
        description="Bytes of a request line: its target, with method and version. Longer ones get a 414.",
    )
    header_count: PositiveInt = Field(default=100, description="Header lines of a request. More get a 431.")
    body_bytes: NonNegativeInt = Field(
        default=0, description="Bytes of a request body, 0 for no limit. Larger ones get a 413."
    )
    stall_timeout: Seconds = Field(
        default=60.0,
        description="Time a client may take nothing of a response, or a server nothing of a request, while "
        "it is being sent; then the connection is cut. 0 for no limit.",
    )
    response_pause_timeout: Seconds = Field(
        default=3600.0,
        description="Time a server may send nothing in the middle of a response; then it is cut. Streams of "
        "events may well be silent for long. 0 for no limit.",
    )
    tunnel_idle_timeout: Seconds = Field(
        default=3600.0,
        description="Time in which neither side of a WebSocket, or of another upgraded connection, sends "
        "anything; then it is ended. 0 for no limit.",
    )
    connections: PositiveInt = Field(
        default=8_000,
        description="Client connections of one worker; further ones wait until one ends. Each may need a "
        "second file descriptor towards a server: there are fewer where `ulimit -Hn` does not allow so many.",
    )
    requests_per_worker: NonNegativeInt = Field(
        default=0,
        description="Requests after which a worker is replaced by a new one, without a failed request; up "
        "to a tenth more, by chance, so that not all are replaced at once; 0 for never.",
    )
