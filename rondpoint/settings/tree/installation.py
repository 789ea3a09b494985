"""Settings that Traefik does not have: the store, agents, limits and middlewares in Python."""

from __future__ import annotations

import re
from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import (
    NonNegativeInt,
    OptionalPath,
    PositiveInt,
    Seconds,
    Text,
    Texts,
    parse_text,
)
from rondpoint.store.address import parse


def _parse_store_url(value: object) -> object:
    if value is None:
        return None
    url = parse_text(value).strip()
    parse(url)
    return url


def _parse_namespace(value: object) -> object:
    # Braces would end the hash tag of the keys, and a colon separates the namespace from the rest.
    if not isinstance(value, str) or not value or not value.replace("-", "").replace("_", "").isalnum():
        raise ValueError("expected letters, digits, - and _")
    return value


def _parse_agent_name(value: object) -> object:
    # The name becomes part of Redis keys and of server names.
    name = parse_text(value).strip()
    if not re.fullmatch(r"[A-Za-z0-9._-]*", name):
        raise ValueError("expected letters, digits, ., - and _")
    return name


class Redis(Section):
    """The address of the store.

    `embedded` is computed: `rondpoint up` has started this store, for this machine alone.
    """

    url: Annotated[str | None, Parse(_parse_store_url)] = Field(
        default=None,
        description="The store that agents and proxies share ([connection variants](redis.md#store-url)); "
        "without it, `rondpoint up` starts one.",
    )
    namespace: Annotated[Text, Parse(_parse_namespace)] = Field(
        default="default", description="Separates several installations in one Redis."
    )
    embedded: bool = Field(default=False, exclude=True)


class Store(Section):
    """The protection of the store's contents."""

    secret: Text = Field(
        default="",
        description="The secret that encrypts private keys in the store, 32 characters or more, the same for "
        "all agents and proxies. Anybody on the machine may see flags; `secretFile` is safer.",
    )
    secret_file: OptionalPath = Field(
        default=None,
        description="A file with that secret, such as `openssl rand -hex 32` writes. Its first line "
        "encrypts; further lines are former secrets, which still decrypt "
        "([how to replace it](../certificates.md#where-keys-are-kept)).",
    )


class AgentOptions(Section):
    name: Annotated[Text, Parse(_parse_agent_name)] = Field(
        default="",
        description="The name of this agent, such as that of its machine. Agents with different names "
        "contribute to one installation, each from its own sources. Agents with the same name, or without "
        "one, are standbys of each other.",
    )
    forget_after: Seconds = Field(
        default=60.0,
        description="Time after which the contribution of a named agent is removed, once no agent of that "
        "name runs any more. 0 for at once, even at a restart. The leader's setting applies.",
    )


class Middlewares(Section):
    modules: Texts = Field(
        default=(),
        description="Modules with [middlewares in Python](../middlewares.md), which each worker imports: "
        "names such as `shop.auth`, or paths of files that end with `.py`. Installed packages register their "
        "middlewares by entry points.",
    )


class Limits(Section):
    head_bytes: PositiveInt = Field(
        default=65_536,
        description="Maximum bytes of a request head, with the request line. Larger ones get a 431.",
    )
    target_bytes: PositiveInt = Field(
        default=16_384,
        description="Maximum bytes of a request line (method, target, version). Longer ones get a 414.",
    )
    header_count: PositiveInt = Field(
        default=100, description="Maximum number of header lines of a request. More get a 431."
    )
    body_bytes: NonNegativeInt = Field(
        default=0, description="Maximum bytes of a request body, 0 for no limit. Larger ones get a 413."
    )
    stall_timeout: Seconds = Field(
        default=60.0,
        description="Time for which a client may stop reading a response, or a server a request, before the "
        "connection is closed. 0 for no limit.",
    )
    response_pause_timeout: Seconds = Field(
        default=3600.0,
        description="Time for which a server may send nothing in the middle of a response before it is cut "
        "off. Event streams may be silent for long. 0 for no limit.",
    )
    tunnel_idle_timeout: Seconds = Field(
        default=3600.0,
        description="Time for which both sides of a WebSocket, or of another upgraded connection, may send "
        "nothing before it is closed. 0 for no limit.",
    )
    connections: PositiveInt = Field(
        default=8_000,
        description="Maximum number of client connections of one worker; further ones wait until one ends. "
        "Each may need a second file descriptor for a server, so a low `ulimit -Hn` reduces the number.",
    )
    udp_sessions: PositiveInt = Field(
        default=4_000,
        description="Maximum number of UDP sessions of one worker; new ones are refused until one ends. Each "
        "has a file descriptor; at most a quarter of those that `ulimit -Hn` allows are for them.",
    )
    requests_per_worker: NonNegativeInt = Field(
        default=0,
        description="Number of requests after which a new worker replaces a worker, without failed requests; "
        "0 for never. A random addition of up to a tenth prevents that all are replaced at once. Requests to "
        "the admin entry point do not count.",
    )
