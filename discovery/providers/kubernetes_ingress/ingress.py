"""An Ingress as a value, with the fields that the provider reads."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, ValidationError, convert, field

from discovery.certificates.loading import Seal
from discovery.decoding.report import Report
from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes_ingress.names import PROVIDER
from discovery.providers.kubernetes_ingress.policy import Policy
from rondpoint.diagnostics import Diagnostic


class BackendPort(Struct, frozen=True):
    """A port of a service, by its name or its number."""

    name: str = ""
    number: int = 0

    @property
    def written(self) -> int | str:
        return self.name or self.number


class ServiceBackend(Struct, frozen=True):
    name: str
    port: BackendPort = BackendPort()


class Backend(Struct, frozen=True):
    """What a path leads to: a service, or a `resource`, which is not served, as in Traefik."""

    service: ServiceBackend | None = None
    resource: Mapping[str, object] | None = None


class Path(Struct, frozen=True):
    backend: Backend
    path: str = ""
    path_type: str = field(default="", name="pathType")


class Http(Struct, frozen=True):
    paths: tuple[Path, ...] = ()


class IngressRule(Struct, frozen=True):
    host: str = ""
    http: Http | None = None


class IngressTls(Struct, frozen=True):
    secret_name: str = field(default="", name="secretName")


class IngressSpec(Struct, frozen=True):
    ingress_class_name: str | None = field(default=None, name="ingressClassName")
    default_backend: Backend | None = field(default=None, name="defaultBackend")
    rules: tuple[IngressRule, ...] = ()
    tls: tuple[IngressTls, ...] = ()


class Ingress:
    """An Ingress that is being decoded, and what its decoder may look up.

    Diagnostics call it `Ingress default/shop`, and its options as the manifest does: `written` maps the keys
    that decoders read to these, in lower case. `seal` seals private keys.
    """

    def __init__(self, item: Object, policy: Policy, cluster: Cluster, seal: Seal = str) -> None:
        metadata = item["metadata"]
        self.namespace = str(metadata.get("namespace") or "")
        self.name = str(metadata["name"])
        self.annotations: Mapping[str, str] = metadata.get("annotations") or {}
        self.policy = policy
        self.seal = seal
        self.cluster = cluster
        self.subject = f"Ingress {self.namespace}/{self.name}"
        self.written: dict[str, str] = {}
        self.report = Report(PROVIDER, self.subject, "annotation", self.written)
        self.of_services: list[Diagnostic] = []
        """What is wrong with annotations of the services of its paths."""
        self._item = item

    def read_spec(self) -> IngressSpec | None:
        """Return the spec; report one that a newer API may have sent, and return None."""
        try:
            return convert(self._item.get("spec") or {}, IngressSpec)
        except ValidationError as error:
            self.report.error(f"it cannot be read: {error}", "expected networking.k8s.io/v1")
            return None
