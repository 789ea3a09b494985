"""`/api/overview`: numbers of objects, and of those with warnings or errors."""

from __future__ import annotations

from flask import Blueprint, Response
from msgspec import Struct

from proxy.admin.certificates.known_certificates import KnownCertificates
from proxy.admin.certificates.status import BAD
from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.current_worker import Json, runtime
from proxy.admin.json_responses import json_response
from proxy.admin.status_reports import agents_report
from proxy.admin.views.object_status import DISABLED, HTTP_KINDS, TCP_KINDS, UDP_KINDS, WARNING
from rondpoint.settings import Settings
from rondpoint.store.admin.document import ADMIN

overview = Blueprint("overview", __name__, url_prefix="/api")


class Count(Struct, frozen=True):
    """A number of objects; `warnings` and `errors` count those with the status `warning` and `disabled`.

    Certificates with errors have the status `expired` or `failed`.
    """

    total: int = 0
    warnings: int = 0
    errors: int = 0


class Scheme(Struct, frozen=True, omit_defaults=True):
    routers: Count
    services: Count
    middlewares: Count | None = None


class Features(Struct, frozen=True, rename="camel"):
    """`tracing` and `metrics` name their backend; empty if they are off."""

    tracing: str
    metrics: str
    access_log: bool


class Overview(Struct, frozen=True):
    http: Scheme
    tcp: Scheme
    udp: Scheme
    certificates: Count
    features: Features
    providers: list[str]


_PROVIDERS = {
    "docker": "Docker",
    "swarm": "Swarm",
    "file": "File",
    "consulcatalog": "ConsulCatalog",
    "consul": "Consul",
    "http": "HTTP",
    "nomad": "Nomad",
    "marathon": "Marathon",
    "mesos": "Mesos",
    "ecs": "ECS",
    "zookeeper": "ZooKeeper",
    "etcd": "Etcd",
    "redis": "Redis",
    "kubernetes": "KubernetesIngress",
    "kubernetescrd": "KubernetesCRD",
    "kubernetesgateway": "KubernetesGateway",
}
"""Traefik's names of the providers, by ours."""


@overview.get("/overview")
def show_overview() -> Response:
    """Return the numbers of objects of each kind."""
    worker = runtime()
    configuration = CurrentConfiguration(worker)
    return json_response(
        Overview(
            http=Scheme(*(count_objects(configuration, kind) for kind in HTTP_KINDS)),
            tcp=Scheme(*(count_objects(configuration, kind) for kind in TCP_KINDS)),
            udp=Scheme(*(count_objects(configuration, kind) for kind in UDP_KINDS)),
            certificates=count_certificates(KnownCertificates(worker, configuration)),
            features=_features(worker.settings),
            providers=_providers(agents_report()),
        )
    )


def _features(settings: Settings) -> Features:
    prometheus = settings.metrics is not None and settings.metrics.prometheus is not None
    return Features(
        tracing="OpenTelemetry" if settings.tracing is not None else "",
        metrics="Prometheus" if prometheus else "",
        access_log=settings.access_log is not None,
    )


def count_objects(configuration: CurrentConfiguration, kind: str) -> Count:
    """Count the objects of a kind; the kinds are those of `object_status`."""
    total = warnings = errors = 0
    for name in configuration.in_portions(configuration.names(kind)):
        status = configuration.object_status(kind, name).status
        total += 1
        warnings += status == WARNING
        errors += status == DISABLED
    return Count(total, warnings, errors)


def count_certificates(known: KnownCertificates) -> Count:
    """Count the certificates."""
    by_status = known.count()
    errors = sum(by_status.get(status, 0) for status in BAD)
    return Count(sum(by_status.values()), by_status.get("warning", 0), errors)


def _providers(agents: dict[str, Json]) -> list[str]:
    """Return the providers of all agents in Traefik's spelling; Traefik has no provider `admin`."""
    names = sorted({name for agent in agents.values() for name in agent["providers"]} - {ADMIN})
    return [_PROVIDERS.get(name, name.capitalize()) for name in names]
