"""The settings of the Nomad provider."""

from __future__ import annotations

from typing import Annotated

from rondpoint.settings.declaration import Field, Parse
from rondpoint.settings.tree.client_tls import ClientTls
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Seconds, Switch, Text, parse_texts


def _parse_namespaces(value: object) -> tuple[str, ...]:
    names = parse_texts(value)
    if "*" in names:
        raise ValueError("expected names of namespaces, not *")
    return names


class NomadEndpoint(Section):
    address: Text = Field(
        default="",
        description="The URL of a Nomad server or agent. Without it, the variable `NOMAD_ADDR` applies, else "
        "`http://127.0.0.1:4646`.",
    )
    region: Text = Field(
        default="",
        description="The region to read. Without it, the variable `NOMAD_REGION` applies, else that of the "
        "server.",
    )
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `NOMAD_TOKEN` applies."
    )
    tls: ClientTls | None = None


class NomadOptions(Section):
    """Route the services that Nomad itself registers, by their tags."""

    endpoint: NomadEndpoint = NomadEndpoint()
    prefix: Text = Field(default="traefik", description="The prefix of the tags to read.")
    stale: Switch = Field(
        default=False, description="Allow responses from any Nomad server, not only from the leader."
    )
    namespaces: Annotated[tuple[str, ...], Parse(_parse_namespaces)] = Field(
        default=(),
        description="The namespaces to read. Each becomes a provider `nomad-NAMESPACE`; without any, the "
        "namespace `default` is read by the provider `nomad`.",
    )
    exposed_by_default: Switch = Field(default=True, description="Route services without an `enable` tag.")
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)", description="The rule of routers without one."
    )
    constraints: Text = Field(
        default="",
        description="Route only service instances whose tags match: ``Tag(`a`) && !TagRegex(`^b`)``.",
    )
    allow_empty_services: Switch = Field(
        default=False,
        description="Keep routes of services whose task group is scaled to 0: clients get a 503 instead of a "
        "404.",
    )
    watch: Switch = Field(default=True, description="Follow Nomad's event stream.")
    refresh_interval: Seconds = Field(
        default=15.0, description="Without `watch`, the interval at which everything is read, 1s or more."
    )
    throttle_duration: Seconds = Field(
        default=0.0, description="The shortest time between two applied changes; 0 for none."
    )
