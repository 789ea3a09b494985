"""The settings of the registrar, which registers containers in Consul as Registrator does."""

from __future__ import annotations

from typing import Annotated, Literal

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.consul import ConsulHttpAuth, ConsulTls
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Seconds, Switch, Text, Texts, parse_text

Deregister = Literal["always", "on-success"]


def _parse_address(value: object) -> object:
    address = parse_text(value).strip()
    if "," in address:
        raise ValueError(
            "expected one Consul agent: only the agent that registered a service can deregister it"
        )
    return address


def _parse_deregister(value: object) -> object:
    mode = str(value).strip().lower()
    if mode not in ("always", "on-success"):
        raise ValueError("expected always or on-success")
    return mode


class RegistratorConsul(Section):
    """The Consul agent that registers the services; default: that of `providers.consulCatalog`."""

    address: Annotated[Text, Parse(_parse_address)] = Field(
        default="",
        description="One Consul agent: `host:port` or a URL. Without it, the variable `CONSUL_HTTP_ADDR` "
        "applies, else `127.0.0.1:8500`.",
    )
    scheme: Text = Field(default="", description="`http` or `https`, if the address names neither.")
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `CONSUL_HTTP_TOKEN` applies."
    )
    http_auth: ConsulHttpAuth = ConsulHttpAuth()
    tls: ConsulTls | None = None


class RegistratorOptions(Section):
    """Register the containers of a Docker engine in Consul, as their `SERVICE_…` keys say."""

    enabled: Switch = Field(
        default=True, description="`false` switches the registrar off, although the section exists."
    )
    internal: Switch = Field(
        default=False,
        description="Register exposed ports with the containers' addresses, not published ports with the "
        "host's.",
    )
    consul: RegistratorConsul | None = None
    docker: Text = Field(
        default="",
        description="The Docker engine's API. Without it, `providers.docker.endpoint` applies, else "
        "`DOCKER_HOST`, else `unix:///tmp/docker.sock` if it exists, else `unix:///var/run/docker.sock`.",
    )
    resync: Seconds = Field(
        default=0.0,
        description="Interval at which all containers are read and registered again, 1s or more; 0 for "
        "never.",
    )
    cleanup: Switch = Field(
        default=False, description="Remove services that an earlier registrar of this host left in Consul."
    )
    deregister: Annotated[Deregister, Parse(_parse_deregister)] = Field(
        default="always",
        description="When to deregister a container that ends: `always`, or `on-success`, which keeps "
        "containers that failed.",
    )
    explicit: Switch = Field(default=False, description="Register only ports that `SERVICE_NAME` names.")
    ip: Text = Field(default="", description="The address of published ports, instead of the host's.")
    use_ip_from_label: Text = Field(
        default="", description="The name of the label with a container's address."
    )
    tags: Texts = Field(default=(), description="Tags for every service.")
