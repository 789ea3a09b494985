"""The settings of providers, the sources of routers and services."""

from __future__ import annotations

from pydantic import Field

from rondpoint.settings.tree.consul import ConsulCatalogOptions, ConsulOptions
from rondpoint.settings.tree.key_value import EtcdOptions, RedisKeysOptions, ZooKeeperOptions
from rondpoint.settings.tree.kubernetes import KubernetesIngressOptions
from rondpoint.settings.tree.kubernetes_crd import KubernetesCrdOptions
from rondpoint.settings.tree.kubernetes_gateway import KubernetesGatewayOptions
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, Switch, Text


class DockerOptions(Section):
    """Route containers of a Docker engine by their labels."""

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


class FileOptions(Section):
    """Read routes from a file or a directory of files.

    Either `filename` or `directory` is set.
    """

    filename: OptionalPath = Field(
        default=None, description="A file with routers and services, in TOML or YAML."
    )
    directory: OptionalPath = Field(default=None, description="A directory of such files.")
    watch: Switch = Field(default=True, description="Follow changes of the files.")


class RestOptions(Section):
    """Read routes from `PUT /api/providers/rest`, which replaces all of them."""

    insecure: Switch = Field(
        default=False, description="Has no effect; accepted for compatibility with Traefik 3."
    )


class Providers(Section):
    constraints: Text = Field(
        default="",
        description="Traefik 1: `tag==api-*` and similar, for containers and Consul's services, in "
        "addition to the `constraints` of each provider.",
    )
    docker: DockerOptions | None = None
    file: FileOptions | None = None
    consul_catalog: ConsulCatalogOptions | None = None
    consul: ConsulOptions | None = None
    kubernetes_ingress: KubernetesIngressOptions | None = None
    kubernetes_crd: KubernetesCrdOptions | None = None
    kubernetes_gateway: KubernetesGatewayOptions | None = None
    zoo_keeper: ZooKeeperOptions | None = None
    etcd: EtcdOptions | None = None
    redis: RedisKeysOptions | None = None
    rest: RestOptions | None = None
