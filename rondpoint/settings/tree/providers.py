"""Where routers and services come from."""

from __future__ import annotations

from pydantic import Field

from rondpoint.settings.tree.consul import ConsulCatalogOptions, ConsulOptions
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, Switch, Text


class DockerOptions(Section):
    """Routes containers of a Docker engine, by their labels."""

    endpoint: Text = Field(
        default="unix:///var/run/docker.sock",
        description="The Docker engine's API: `unix:///path` or `tcp://host:port`. "
        "Without it, the variable `DOCKER_HOST` counts.",
    )
    domain: Text = Field(
        default="", description="Traefik 1: the domain of default rules, `Host:NAME.DOMAIN`."
    )
    network: Text = Field(
        default="", description="The Docker network whose addresses servers have, unless a label names one."
    )
    exposed_by_default: Switch = Field(
        default=True, description="Whether containers without an `enable` label are routed."
    )
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)", description="Traefik 3: the rule of routers that have none."
    )
    allow_empty_services: Switch = Field(
        default=False,
        description="Keep routes whose containers are not healthy: 503 where there are no others, not 404.",
    )
    use_bind_port_ip: Switch = Field(
        default=False, description="Reach containers by the host address and port they are published on."
    )
    constraints: Text = Field(
        default="",
        description="Only containers that fulfil it count: ``Label(`a`, `b`) && !LabelRegex(`c`, `^d`)``; "
        "Traefik 1: `tag==api-*`, of the label `traefik.tags`.",
    )
    watch: Switch = Field(default=True, description="Follow the engine's events.")


class FileOptions(Section):
    """Routes what a file, or a directory of files, says.

    Either `filename` or `directory` is set.
    """

    filename: OptionalPath = Field(default=None, description="A file of routers and services, TOML or YAML.")
    directory: OptionalPath = Field(default=None, description="A directory of such files.")
    watch: Switch = Field(default=True, description="Follow changes of the files.")


class RestOptions(Section):
    """Routes what is sent to `PUT /api/providers/rest` as a whole."""

    insecure: Switch = Field(default=False, description="Taken for Traefik 3's sake; it changes nothing.")


class Providers(Section):
    constraints: Text = Field(
        default="",
        description="Traefik 1: `tag==api-*` and the like, for containers and Consul's services alike, "
        "beside the `constraints` of their own section.",
    )
    docker: DockerOptions | None = None
    file: FileOptions | None = None
    consul_catalog: ConsulCatalogOptions | None = None
    consul: ConsulOptions | None = None
    rest: RestOptions | None = None
