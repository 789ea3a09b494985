"""Routes out of Consul: its catalogue of services, and its key-value store."""

from __future__ import annotations

from pydantic import Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Seconds, Switch, Text, Texts


class ConsulTls(Section):
    """TLS to Consul; `https` is spoken as soon as the section is named."""

    ca: Text = Field(
        default="", description="File of the authority that Consul's certificate is checked against."
    )
    cert: Text = Field(default="", description="File of the certificate shown to Consul.")
    key: Text = Field(default="", description="File of that certificate's key.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Take any certificate of Consul's. For trials only."
    )


class ConsulHttpAuth(Section):
    username: Text = Field(default="", description="User of HTTP basic authentication.")
    password: Text = Field(default="", description="Password of HTTP basic authentication.")


class ConsulEndpoint(Section):
    address: Text = Field(
        default="",
        description="A Consul agent: `host:port` or a URL; where several are given, separated by commas, the "
        "next is asked when one fails. Without any, the variable `CONSUL_HTTP_ADDR` counts, else "
        "`127.0.0.1:8500`.",
    )
    scheme: Text = Field(default="", description="`http` or `https`, where the address names neither.")
    datacenter: Text = Field(default="", description="The datacentre that is read; the agent's own without.")
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `CONSUL_HTTP_TOKEN` counts."
    )
    endpoint_wait_time: Seconds = Field(
        default=300.0, description="How long a query waits for a change before it is asked anew; 1s or more."
    )
    http_auth: ConsulHttpAuth = ConsulHttpAuth()
    tls: ConsulTls | None = None


class ConsulCatalogOptions(Section):
    """Routes the services of Consul's catalogue, by their tags."""

    endpoint: ConsulEndpoint = ConsulEndpoint()
    prefix: Text = Field(default="traefik", description="What the tags that are read begin with.")
    exposed_by_default: Switch = Field(
        default=True, description="Whether services without an `enable` tag are routed."
    )
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)", description="Traefik 3: the rule of routers that have none."
    )
    domain: Text = Field(default="", description="Traefik 1: the domain of default rules.")
    front_end_rule: Text = Field(
        default="",
        description="Traefik 1: the rule of services that have none; `Host:{{.ServiceName}}.{{.Domain}}` "
        "where there is a domain or the section is written as Traefik 1's.",
    )
    strict_checks: Texts = Field(
        default=("passing", "warning"),
        description="States of health in which an instance takes requests. Where the section is written as "
        "Traefik 1's: `passing`.",
    )
    constraints: Text = Field(
        default="",
        description="Only instances whose tags fulfil it are routed: ``Tag(`a`) && !TagRegex(`^b`)``.",
    )
    stale: Switch = Field(default=False, description="Let any Consul server answer, not the leader alone.")
    watch: Switch = Field(default=True, description="Follow changes of the catalogue.")


class ConsulOptions(Section):
    """Routes what keys of Consul's key-value store say."""

    endpoints: Texts = Field(
        default=(),
        description="Consul agents: `host:port` or URLs; where one fails, the next is asked. Without any, "
        "the variable `CONSUL_HTTP_ADDR` counts, else `127.0.0.1:8500`.",
    )
    root_key: Text = Field(default="traefik", description="The key below which everything lies.")
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `CONSUL_HTTP_TOKEN` counts."
    )
    datacenter: Text = Field(default="", description="The datacentre that is read; the agent's own without.")
    username: Text = Field(default="", description="User of HTTP basic authentication.")
    password: Text = Field(default="", description="Password of HTTP basic authentication.")
    tls: ConsulTls | None = None
    watch: Switch = Field(default=True, description="Follow changes of the keys.")
