"""Composite services of Traefik 3; labels may define them too, though that is seldom useful."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from discovery.decoding import values
from discovery.labels.vocabulary.balancing import sticky
from discovery.labels.vocabulary.label import Label
from discovery.labels.vocabulary.services import SERVICE
from rondpoint.middlewares.readers import between, statuses, whole


def _members(kind: str) -> Iterator[Label]:
    name = f"{SERVICE}.{kind}.services[0].name"
    yield Label(name, "blue", "name of a member service", values.text, "")
    yield Label(
        f"{SERVICE}.{kind}.services[0].weight",
        "3",
        "its weight",
        values.weight,
        1,
        requires=(name,),
    )
    yield _checked(kind, name)


def _checked(kind: str, *requires: str) -> Label:
    description = "a member without available servers is skipped, with or without this option"
    return Label(f"{SERVICE}.{kind}.healthCheck", "true", description, values="`{}`", requires=requires)


_WEIGHTED = tuple(_members("weighted"))
_FAILOVER = f"{SERVICE}.failover"
_PAIR = (f"{_FAILOVER}.service", f"{_FAILOVER}.fallback")
_MIRRORING = f"{SERVICE}.mirroring"
_MIRRORED, _MIRROR = f"{_MIRRORING}.service", f"{_MIRRORING}.mirrors[0].name"
_ALL = tuple(_members("highestRandomWeight"))

COMPOSITE = (
    *_WEIGHTED,
    *(replace(each, requires=(_WEIGHTED[0].name,)) for each in sticky(f"{SERVICE}.weighted")),
    *_ALL,
    Label(_PAIR[0], "blue", "service that gets the requests", values.text, "", requires=_PAIR),
    Label(
        _PAIR[1],
        "green",
        "service that gets the requests if the other has no available server",
        values.text,
        "",
        requires=_PAIR,
    ),
    _checked("failover", *_PAIR),
    Label(
        f"{_FAILOVER}.errors.status",
        "500-599",
        "statuses of responses after which the fallback gets the request",
        statuses,
        requires=_PAIR,
    ),
    Label(
        f"{_FAILOVER}.errors.maxRequestBodyBytes",
        "1024",
        "largest request body, which is held in memory for the fallback; -1 is no limit",
        whole,
        -1,
        requires=(*_PAIR, f"{_FAILOVER}.errors.status"),
    ),
    Label(
        _MIRRORED,
        "blue",
        "service that responds; [others get copies of its requests](../balancing.md#mirroring)",
        values.text,
        "",
        requires=(_MIRRORED, _MIRROR),
    ),
    Label(_MIRROR, "green", "service that gets copies of requests", values.text, "", requires=(_MIRRORED,)),
    Label(
        f"{_MIRRORING}.mirrors[0].percent",
        "10",
        "percentage of requests that are copied",
        between(0, 100),
        0,
        requires=(_MIRRORED, _MIRROR),
    ),
    Label(
        f"{_MIRRORING}.mirrorBody",
        "false",
        "whether copies have the body of the request",
        values.boolean,
        True,
        requires=(_MIRRORED, _MIRROR),
    ),
    Label(
        f"{_MIRRORING}.maxBodySize",
        "1024",
        "bytes; a request with a larger body is not copied; -1 is no limit",
        whole,
        -1,
        requires=(_MIRRORED, _MIRROR),
    ),
    replace(_checked("mirroring", _MIRRORED, _MIRROR), description="no effect"),
)
