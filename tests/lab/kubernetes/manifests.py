"""Objects of Kubernetes for tests, each with the fields that a router reads."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

Manifest = dict[str, Any]

TRAEFIK = "traefik.ingress.kubernetes.io/"


def ingress(
    name: str = "web",
    *,
    host: str = "web.test",
    path: str = "/",
    path_type: str | None = "Prefix",
    service: str = "web",
    port: int | str = 80,
    namespace: str = "default",
    annotations: Mapping[str, str] | None = None,
    class_name: str | None = None,
    tls: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Manifest:
    """Return an Ingress with one rule and one path; `host` and `path` may be empty."""
    one_path: Manifest = {"backend": backend(service, port)}
    if path:
        one_path["path"] = path
    if path_type:
        one_path["pathType"] = path_type
    rule: Manifest = {"http": {"paths": [one_path]}}
    if host:
        rule["host"] = host
    spec: Manifest = {"rules": [rule]}
    if class_name is not None:
        spec["ingressClassName"] = class_name
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": secret} for secret in tls]
    made = manifest("networking.k8s.io/v1", "Ingress", name, namespace, spec=spec)
    # Traefik takes an Ingress without a class only if its setting ingressClass is empty.
    made["metadata"]["annotations"] = dict(annotations or {})
    if labels:
        made["metadata"]["labels"] = dict(labels)
    return made


def backend(service: str, port: int | str = 80) -> Manifest:
    """Return the backend of a path: a service and its port, by number or name."""
    return {"service": {"name": service, "port": {"name" if isinstance(port, str) else "number": port}}}


def service(
    name: str = "web",
    *,
    ports: Sequence[tuple[str, int]] = (("", 80),),
    namespace: str = "default",
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Manifest:
    """Return a Service with these named ports; a single port needs no name."""
    described = [
        {**({"name": name} if name else {}), "port": port, "protocol": "TCP"} for name, port in ports
    ]
    made = manifest(
        "v1",
        "Service",
        name,
        namespace,
        spec={"type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": described, **spec},
    )
    if annotations:
        made["metadata"]["annotations"] = dict(annotations)
    return made


def endpoint(*addresses: str, pod: str = "", **conditions: bool) -> Manifest:
    """Return one endpoint of a slice; conditions are `ready`, `serving` and `terminating`."""
    made: Manifest = {"addresses": list(addresses), "conditions": dict(conditions)}
    if pod:
        made["targetRef"] = {"kind": "Pod", "name": pod}
    return made


def endpoint_slice(
    service: str = "web",
    endpoints: Sequence[Manifest] = (),
    *,
    ports: Sequence[tuple[str, int]] = (("", 8080),),
    namespace: str = "default",
    name: str = "",
) -> Manifest:
    """Return an EndpointSlice of a service; ports have the names of the service's ports."""
    made = manifest("discovery.k8s.io/v1", "EndpointSlice", name or f"{service}-1", namespace)
    made["metadata"]["labels"] = {"kubernetes.io/service-name": service}
    made["addressType"] = "IPv4"
    made["ports"] = [{"name": name, "port": port, "protocol": "TCP"} for name, port in ports]
    made["endpoints"] = list(endpoints) or [endpoint("10.1.0.1")]
    return made


def secret(
    name: str, data: Mapping[str, str], *, namespace: str = "default", secret_type: str = "Opaque"
) -> Manifest:
    """Return a Secret; its values are given as texts."""
    made = manifest("v1", "Secret", name, namespace)
    made["type"] = secret_type
    made["data"] = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return made


def ingress_class(name: str, controller: str = "traefik.io/ingress-controller") -> Manifest:
    return manifest("networking.k8s.io/v1", "IngressClass", name, "", spec={"controller": controller})


def node(name: str, **addresses: str) -> Manifest:
    """Return a Node with addresses by type: `InternalIP="10.9.0.1"`."""
    made = manifest("v1", "Node", name, "")
    made["status"] = {"addresses": [{"type": kind, "address": each} for kind, each in addresses.items()]}
    return made


def manifest(api_version: str, kind: str, name: str, namespace: str = "default", **more: Any) -> Manifest:
    """Return an object of any kind; `more` has `spec`, `status` and other fields."""
    metadata: Manifest = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}
