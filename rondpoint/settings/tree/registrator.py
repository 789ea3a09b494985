"""Containers registered in Consul, as Registrator does it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rondpoint.settings.tree.consul import ConsulHttpAuth, ConsulTls
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Seconds, Switch, Text, Texts, parse_text

Deregister = Literal["always", "on-success"]


def _one_agent(value: object) -> object:
    address = parse_text(value).strip()
    if "," in address:
        raise ValueError("expected one agent: only the agent that was told of a service can forget it")
    return address


def _mode(value: object) -> object:
    mode = str(value).strip().lower()
    if mode not in ("always", "on-success"):
        raise ValueError("expected always or on-success")
    return mode


class RegistratorConsul(Section):
    """The Consul agent that services are registered with; without it, that of `providers.consulCatalog`."""

    address: Annotated[Text, BeforeValidator(_one_agent)] = Field(
        default="",
        description="One Consul agent: `host:port` or a URL. Without it, the variable `CONSUL_HTTP_ADDR` "
        "counts, else `127.0.0.1:8500`.",
    )
    scheme: Text = Field(default="", description="`http` or `https`, where the address names neither.")
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `CONSUL_HTTP_TOKEN` counts."
    )
    http_auth: ConsulHttpAuth = ConsulHttpAuth()
    tls: ConsulTls | None = None


class RegistratorOptions(Section):
    """Registers the containers of a Docker engine in Consul, by their `SERVICE_…` keys."""

    enabled: Switch = Field(default=True, description="`false` switches a section that is there off.")
    internal: Switch = Field(
        default=False,
        description="Register exposed ports at containers' own addresses, not published ones at the host's.",
    )
    consul: RegistratorConsul | None = None
    docker: Text = Field(
        default="",
        description="The Docker engine's API. Without it, `providers.docker.endpoint` counts, else "
        "`DOCKER_HOST`, else `unix:///tmp/docker.sock` where it is there, else `unix:///var/run/docker.sock`.",
    )
    resync: Seconds = Field(
        default=0.0, description="After how long all is read and registered again, 1s or more; 0 is never."
    )
    cleanup: Switch = Field(
        default=False, description="Take away what an earlier registrar of this host left behind in Consul."
    )
    deregister: Annotated[Deregister, BeforeValidator(_mode)] = Field(
        default="always",
        description="Which containers are deregistered when they end: `always`, or `on-success`: not those "
        "that fail.",
    )
    explicit: Switch = Field(
        default=False, description="Register only ports that `SERVICE_NAME` gives a name."
    )
    ip: Text = Field(default="", description="The address of published ports, in place of the host's.")
    use_ip_from_label: Text = Field(
        default="", description="The name of a label that holds a container's address."
    )
    tags: Texts = Field(default=(), description="Tags for every service.")
