"""Decodes references to Kubernetes services in IngressRouteTCPs and IngressRouteUDPs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from discovery.decoding import values
from discovery.decoding.section import Section, Tree
from discovery.providers.kubernetes.servers import NoServersError, Target, find_servers
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import object_name
from discovery.providers.kubernetes_crd.references import may_name_namespace, may_name_provider
from rondpoint.model import Server

_TARGET = ("name", "namespace", "port", "weight", "nativeLB", "nodePortLB")
"""Fields that say which servers are meant, and with which weight."""


def read_servers(
    section: Section, protocol: Literal["TCP", "UDP"], manifest: Manifest
) -> tuple[Server, ...] | None:
    """Return the servers behind a reference; report why there are none, and return None."""
    report = section.report
    name = section.read("name", values.text, "")
    namespace = section.read("namespace", values.text, manifest.namespace)
    port = section.raw("port")
    if not name or isinstance(port, bool):
        if not section.has("name"):
            report.error(f"{report.at(section.path)} has no name", "expected the service's name")
        return None
    if "@" in name:
        hint = "name a Kubernetes service"
        report.error(f"{report.at(section.key('name'), name)} is not valid", hint)
        return None
    if not may_name_namespace(namespace, section, manifest):
        return None
    target = Target(
        namespace,
        name,
        port if isinstance(port, int) else str(port or ""),
        # The servers have no scheme here, so the port's name must not give them one.
        "http",
        section.read("nativeLB", values.boolean, None),
        section.read("nodePortLB", values.boolean, False),
        protocol=protocol,
    )
    try:
        return find_servers(target, manifest.policy, manifest.cluster)
    except NoServersError as error:
        report.error(f"{report.at(section.path)} cannot be used: {error}", error.hint)
        return None


def balancer_options(section: Section, manifest: Manifest) -> Tree | None:
    """Return the options of a TCP service as dynamic files have them; None if it must not be used.

    A transport is one of the object's namespace, unless it names a provider.
    """
    options = {name: section.raw(name) for name in section.names if name not in (*_TARGET, "tls")}
    transport = options.get("serversTransport")
    if not transport:
        options.pop("serversTransport", None)
    elif "@" in str(transport):
        return options if may_name_provider(str(transport), section, manifest) else None
    else:
        options["serversTransport"] = object_name(manifest.namespace, str(transport))
    return options


def member_name(route: str, section: Section) -> str:
    """Return the name of the service that one of several references of a route defines."""
    return f"{route}-{section.raw('name')}-{section.raw('port')}"


def weighted(members: Iterable[tuple[str, Section]]) -> Tree:
    """Return the options of the service that distributes connections to these members."""
    named: list[Tree] = []
    for name, section in members:
        weight = section.raw("weight")
        named.append({"name": name} if weight is None else {"name": name, "weight": weight})
    return {"weighted": {"services": named}}
