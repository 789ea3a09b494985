"""The settings of providers, the sources of routers and services."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.consul import ConsulCatalogOptions, ConsulOptions
from rondpoint.settings.tree.docker import DockerOptions, SwarmOptions
from rondpoint.settings.tree.ecs import EcsOptions
from rondpoint.settings.tree.http_provider import HttpProviderOptions
from rondpoint.settings.tree.key_value import EtcdOptions, RedisKeysOptions, ZooKeeperOptions
from rondpoint.settings.tree.kubernetes import KubernetesIngressOptions
from rondpoint.settings.tree.kubernetes_crd import KubernetesCrdOptions
from rondpoint.settings.tree.kubernetes_gateway import KubernetesGatewayOptions
from rondpoint.settings.tree.marathon import MarathonOptions
from rondpoint.settings.tree.mesos import MesosOptions
from rondpoint.settings.tree.nomad import NomadOptions
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import OptionalPath, Switch, Text


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
    entry_point: Text = Field(
        default="traefik",
        description="A web entry point that also takes `PUT /api/providers/rest`, before all routers, but "
        "behind the middlewares of the entry point. It needs a token or a password (`api.token`, "
        "`api.basicAuth`).",
    )


class Providers(Section):
    constraints: Text = Field(
        default="",
        description="Traefik 1: `tag==api-*` and similar, for containers and Consul's services, in "
        "addition to the `constraints` of each provider.",
    )
    docker: DockerOptions | None = None
    swarm: SwarmOptions | None = None
    file: FileOptions | None = None
    consul_catalog: ConsulCatalogOptions | None = None
    consul: ConsulOptions | None = None
    http: HttpProviderOptions | None = None
    nomad: NomadOptions | None = None
    marathon: MarathonOptions | None = None
    mesos: MesosOptions | None = None
    ecs: EcsOptions | None = None
    zoo_keeper: ZooKeeperOptions | None = None
    etcd: EtcdOptions | None = None
    redis: RedisKeysOptions | None = None
    kubernetes_ingress: KubernetesIngressOptions | None = None
    kubernetes_crd: KubernetesCrdOptions | None = None
    kubernetes_gateway: KubernetesGatewayOptions | None = None
    rest: RestOptions | None = None
