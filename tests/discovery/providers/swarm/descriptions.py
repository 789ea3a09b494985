"""The manager's descriptions of services, tasks, nodes and events, for tests without an engine."""

from collections.abc import Mapping
from typing import Any

PORT = {"traefik.http.services.web.loadbalancer.server.port": "80"}


def service(name: str = "web", labels: Mapping[str, str] = PORT, **more: Any) -> dict[str, Any]:
    """Return a replicated service with one task and one virtual IP; `more` replaces top-level values."""
    spec = {
        "Name": name,
        "Labels": dict(labels),
        "TaskTemplate": {"ContainerSpec": {"Image": "whoami", "StopSignal": more.pop("stop_signal", "")}},
        "Mode": more.pop("mode", {"Replicated": {"Replicas": 1}}),
    }
    ips = [{"NetworkID": "net", "Addr": "10.0.1.2/24"}, {"NetworkID": "mesh", "Addr": "10.0.0.2/24"}]
    return {"ID": f"id-{name}", "Spec": spec, "Endpoint": {"VirtualIPs": ips}, **more}


def attachment(name: str, address: str, *, driver: str = "overlay", ingress: bool = False) -> dict[str, Any]:
    """Return a task's place in a network."""
    spec: dict[str, Any] = {"Name": name, "DriverConfiguration": {"Name": driver}}
    if ingress:
        spec["Ingress"] = True
    return {"Network": {"ID": name, "Spec": spec}, "Addresses": [address] if address else None}


def task(
    identifier: str = "t1", state: str = "running", desired: str = "running", **more: Any
) -> dict[str, Any]:
    """Return a task of the service `web`; `more` replaces top-level values."""
    status = {"State": state, "Err": more.pop("error", ""), "PortStatus": {"Ports": more.pop("ports", None)}}
    return {
        "ID": identifier,
        "ServiceID": "id-web",
        "Slot": 1,
        "NodeID": "n1",
        "Status": status,
        "DesiredState": desired,
        "NetworksAttachments": [attachment("public", "10.0.1.5/24")],
        **more,
    }


def node(identifier: str = "n1", state: str = "ready", address: str = "192.168.0.1") -> dict[str, Any]:
    """Return a node."""
    return {"ID": identifier, "Status": {"State": state, "Addr": address}}


def event(kind: str, action: str, identifier: str = "id-web", **attributes: str) -> dict[str, Any]:
    """Return an event; names of attributes have `_` for `.`."""
    given = {name.replace("__", "."): value for name, value in attributes.items()}
    return {"Type": kind, "Action": action, "Actor": {"ID": identifier, "Attributes": given}}
