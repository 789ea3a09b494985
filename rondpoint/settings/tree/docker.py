"""The settings of the providers that read a Docker engine: its containers, or the services of its Swarm."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Seconds, Switch, Text


class DockerTls(Section):
    """TLS for connections to the engine, which then has to be at a `tcp://` endpoint."""

    ca: Text = Field(
        default="", description="The file with the CA certificate that verifies the engine's certificate."
    )
    cert: Text = Field(default="", description="The file with the client certificate for the engine.")
    key: Text = Field(default="", description="The file with the key of the client certificate.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Accept any certificate of the engine. For tests only."
    )


class EngineOptions(Section):
    """How to reach an engine, and how to read the labels of what runs on it."""

    endpoint: Text = Field(
        default="unix:///var/run/docker.sock",
        description="The Docker engine's API: `unix:///path` or `tcp://host:port`. "
        "Without it, the variable `DOCKER_HOST` applies.",
    )
    domain: Text = Field(
        default="", description="Traefik 1: the domain for default rules (`Host:NAME.DOMAIN`)."
    )
    network: Text = Field(
        default="", description="The Docker network for the addresses of servers, unless a label names one."
    )
    exposed_by_default: Switch = Field(
        default=True, description="Route containers without an `enable` label."
    )
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)", description="Traefik 3: the rule of routers without one."
    )
    allow_empty_services: Switch = Field(
        default=False,
        description="Keep routes without healthy containers: clients get a 503 instead of a 404.",
    )
    use_bind_port_ip: Switch = Field(
        default=False, description="Connect to the published address and port of a container, on its host."
    )
    constraints: Text = Field(
        default="",
        description="Route only containers that match: ``Label(`a`, `b`) && !LabelRegex(`c`, `^d`)``; "
        "Traefik 1: `tag==api-*`, for the label `traefik.tags`.",
    )
    watch: Switch = Field(default=True, description="Follow the engine's events.")
    username: Text = Field(default="", description="The user for HTTP basic authentication at the engine.")
    password: Text = Field(
        default="", description="The password for HTTP basic authentication at the engine."
    )
    tls: DockerTls | None = None
    http_client_timeout: Seconds = Field(
        default=10.0,
        description="How long the engine may take to respond; 0 means no limit. It does not end the event "
        "stream.",
    )


class DockerOptions(EngineOptions):
    """Route containers of a Docker engine by their labels."""

    swarm_mode: Switch = Field(
        default=False,
        description="Traefik 1 and 2: route the services of the engine's Swarm instead. All settings of this "
        "section then apply to `providers.swarm`, and names end in `@swarm`.",
    )
    swarm_mode_refresh_seconds: Seconds = Field(
        default=15.0, description="Traefik 1 and 2: `providers.swarm.refreshSeconds`."
    )


class SwarmOptions(EngineOptions):
    """Route the services of a Docker Swarm by their labels (`deploy.labels`)."""

    endpoint: Text = Field(
        default="unix:///var/run/docker.sock",
        description="The API of a manager of the Swarm: `unix:///path` or `tcp://host:port`. "
        "Without it, the variable `DOCKER_HOST` applies.",
    )
    network: Text = Field(
        default="", description="The overlay network for the addresses of tasks, unless a label names one."
    )
    exposed_by_default: Switch = Field(default=True, description="Route services without an `enable` label.")
    allow_empty_services: Switch = Field(
        default=False, description="Keep routes without running tasks: clients get a 503 instead of a 404."
    )
    use_bind_port_ip: Switch = Field(
        default=False,
        description="Connect to ports that tasks publish on their own node (`mode: host`), at its address.",
    )
    constraints: Text = Field(
        default="",
        description="Route only services that match: ``Label(`a`, `b`) && !LabelRegex(`c`, `^d`)``; "
        "Traefik 1: `tag==api-*`, for the label `traefik.tags`.",
    )
    watch: Switch = Field(default=True, description="Follow the manager's events and the tasks.")
    refresh_seconds: Seconds = Field(
        default=15.0,
        description="How often all tasks are read; 1s or more. It matters only for tasks that end by "
        "themselves on nodes other than the manager's; see [Swarm](../swarm.md#how-fast-changes-are-served).",
    )
