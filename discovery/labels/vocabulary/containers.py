"""Labels of containers that both dialects have."""

from __future__ import annotations

from discovery.decoding import values
from discovery.labels.vocabulary.label import Label

CONTAINER = (
    Label(
        "enable",
        "true",
        "`false` leaves the container alone, and so do `no` and `off`",
        read=values.boolean,
        default_text="`providers.docker.exposedByDefault`",
    ),
    Label(
        "docker.network",
        "bridge",
        "where it is [reached](labels-v3.md#where-containers-are-reached); of a network that it is not in "
        "a warning tells, and its first one is taken",
        values="text",
        default_text="`providers.docker.network`",
    ),
    Label(
        "docker.allownonrunning",
        "true",
        "routes stay while the container is stopped or unhealthy, and answer 503",
        values="true or false",
        default_text="`false`",
    ),
    Label("docker.lbswarm", "true", "no effect", values="true or false"),
    Label("tags", "blue,live", "for constraints", read=values.texts, default=()),
)
