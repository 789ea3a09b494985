"""Labels of containers and of Swarm's services that both dialects have."""

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
    Label(
        "swarm.network",
        "public",
        "of a service of Swarm: the overlay network in which its tasks are reached; `traefik.docker.network` "
        "means the same",
        values="text",
        default_text="`providers.swarm.network`",
    ),
    Label(
        "swarm.lbswarm",
        "true",
        "of a service of Swarm: its virtual IP is the only server, so Swarm balances the requests",
        values="true or false",
        default_text="`false`",
    ),
    Label(
        "docker.lbswarm",
        "true",
        "of a service of Swarm: the same as `traefik.swarm.lbswarm`",
        values="true or false",
        default_text="`false`",
    ),
    Label("tags", "blue,live", "tags for constraints", read=values.texts, default=()),
)
