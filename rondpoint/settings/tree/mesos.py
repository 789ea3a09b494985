"""The settings of the Mesos provider, with the names of Traefik 1."""

from __future__ import annotations

from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.client_tls import ClientTls
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import NonNegativeInt, PositiveInt, Switch, Text, Texts, parse_texts

IP_SOURCES = ("host", "netinfo", "docker", "mesos")


def _parse_ip_sources(value: object) -> tuple[str, ...]:
    sources = parse_texts(value)
    if not sources or not set(sources) <= set(IP_SOURCES):
        raise ValueError(f"expected some of {', '.join(IP_SOURCES)}")
    return sources


class MesosOptions(Section):
    """Route the tasks of Mesos by their labels."""

    endpoint: Texts = Field(
        default=("http://127.0.0.1:5050",),
        description="The masters (`host:port` or URLs), or `zk://host:port,host:port/mesos` to find the "
        "leading master with ZooKeeper.",
    )
    zk_detection_timeout: NonNegativeInt = Field(
        default=30, description="The seconds to wait for a leading master in ZooKeeper; 0 for no limit."
    )
    state_timeout_second: PositiveInt = Field(
        default=30, description="The seconds within which a master must respond."
    )
    refresh_seconds: PositiveInt = Field(
        default=30,
        description="The interval of readings, in seconds: for changes without an event, such as health.",
    )
    ip_sources: Annotated[tuple[str, ...], Parse(_parse_ip_sources)] = Field(
        default=("host",),
        description="Where a task's address comes from, the first one that has an address: `host` (the "
        "agent), `netinfo`, `docker`, `mesos`.",
    )
    domain: Text = Field(default="", description="The domain for default rules (`Host:NAME.DOMAIN`).")
    exposed_by_default: Switch = Field(default=True, description="Route tasks without an `enable` label.")
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)",
        description="The rule of routers without one, for tasks with labels of Traefik 3.",
    )
    groups_as_sub_domains: Switch = Field(
        default=False, description="Default rules have the groups of a name (`/group/shop`) as subdomains."
    )
    constraints: Text = Field(
        default="",
        description="Route only tasks that match, such as `tag==api-*` for the label `traefik.tags`.",
    )
    tls: ClientTls | None = None
    watch: Switch = Field(default=True, description="Follow Mesos's events.")
