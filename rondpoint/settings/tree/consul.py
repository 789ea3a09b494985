"""The settings of the providers for Consul: its catalogue of services and its key-value store."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.key_value import KeyValueOptions
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Seconds, Switch, Text, Texts


class ConsulTls(Section):
    """TLS for connections to Consul; naming the section switches to `https`."""

    ca: Text = Field(
        default="", description="The file with the CA certificate that verifies Consul's certificate."
    )
    cert: Text = Field(default="", description="The file with the client certificate for Consul.")
    key: Text = Field(default="", description="The file with the key of the client certificate.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Accept any certificate of Consul. For tests only."
    )


class ConsulHttpAuth(Section):
    username: Text = Field(default="", description="The user for HTTP basic authentication.")
    password: Text = Field(default="", description="The password for HTTP basic authentication.")


class ConsulEndpoint(Section):
    address: Text = Field(
        default="",
        description="The Consul agent: `host:port` or a URL. Of several, separated by commas, the next one "
        "is used if one fails. Without it, the variable `CONSUL_HTTP_ADDR` applies, else `127.0.0.1:8500`.",
    )
    scheme: Text = Field(default="", description="`http` or `https`, if the address names neither.")
    datacenter: Text = Field(
        default="", description="The datacentre to read; default: that of the Consul agent."
    )
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `CONSUL_HTTP_TOKEN` applies."
    )
    endpoint_wait_time: Seconds = Field(
        default=300.0, description="How long a query waits for a change before it is sent again; 1s or more."
    )
    http_auth: ConsulHttpAuth = ConsulHttpAuth()
    tls: ConsulTls | None = None


class ConsulCatalogOptions(Section):
    """Route the services of Consul's catalogue by their tags."""

    endpoint: ConsulEndpoint = ConsulEndpoint()
    prefix: Text = Field(default="traefik", description="The prefix of the tags to read.")
    exposed_by_default: Switch = Field(default=True, description="Route services without an `enable` tag.")
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)", description="Traefik 3: the rule of routers without one."
    )
    domain: Text = Field(default="", description="Traefik 1: the domain for default rules.")
    front_end_rule: Text = Field(
        default="",
        description="Traefik 1: the rule of services without one. Default: "
        "`Host:{{.ServiceName}}.{{.Domain}}` if `domain` is set or the section has Traefik 1's name.",
    )
    strict_checks: Texts = Field(
        default=("passing", "warning"),
        description="Health states in which a service instance gets requests. Default if the section has "
        "Traefik 1's name: `passing`.",
    )
    constraints: Text = Field(
        default="",
        description="Route only service instances whose tags match: ``Tag(`a`) && !TagRegex(`^b`)``.",
    )
    stale: Switch = Field(
        default=False, description="Allow responses from any Consul server, not only from the leader."
    )
    watch: Switch = Field(default=True, description="Follow changes of the catalogue.")


class ConsulOptions(KeyValueOptions):
    """Read routes from keys of Consul's key-value store."""

    endpoints: Texts = Field(
        default=(),
        description="Consul agents: `host:port` or URLs; the next one is used if one fails. Without any, the "
        "variable `CONSUL_HTTP_ADDR` applies, else `127.0.0.1:8500`.",
    )
    token: Text = Field(
        default="", description="The ACL token. Without it, the variable `CONSUL_HTTP_TOKEN` applies."
    )
    datacenter: Text = Field(
        default="", description="The datacentre to read; default: that of the Consul agent."
    )
    username: Text = Field(default="", description="The user for HTTP basic authentication.")
    password: Text = Field(default="", description="The password for HTTP basic authentication.")
    tls: ConsulTls | None = None
