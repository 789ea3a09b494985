"""Labels of containers that both dialects have."""

from __future__ import annotations

from discovery.decoding import values
from discovery.labels.vocabulary.label import Label

CONTAINER = (
    Label(
        "enable",
        "true",
        "`false` excludes the container, and so do `no` and `off`",
        read=values.boolean,
        default_text="`providers.docker.exposedByDefault`",
    ),
    Label(
        "docker.network",
        "bridge",
        "network in which the container is [reached](labels-v3.md#where-containers-are-reached); if the "
        "container is not in it, its first network is used, with a warning",
        values="text",
        default_text="`providers.docker.network`",
    ),
    Label(
        "docker.allownonrunning",
        "true",
        "routes stay while the container is stopped or unhealthy, and respond with 503",
        values="true or false",
        default_text="`false`",
    ),
    Label("docker.lbswarm", "true", "no effect", values="true or false"),
    Label("tags", "blue,live", "tags for constraints", read=values.texts, default=()),
)
