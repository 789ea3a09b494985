"""Decodes TraefikServices: they share requests among services, mirror them, or fall back to another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section, Tree
from discovery.dynamic.composite import read_composite
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from discovery.providers.kubernetes_crd.services import ServiceReference, read_service
from rondpoint.model import Service


def decode_traefik_service(manifest: Manifest) -> Decoded:
    """Decode a TraefikService and the services that its members define.

    If a member cannot be used, the whole service is left out, as in Traefik.
    """
    spec, report = manifest.spec, manifest.report
    name = qualify(object_name(manifest.namespace, manifest.name), PROVIDER)
    kinds = [kind for kind in _KINDS if spec.has(kind)]
    services: tuple[Service, ...] = ()
    with report.about("service", name):
        if len(kinds) == 1 and (section := spec.section(kinds[0])) is not None:
            parts = _KINDS[kinds[0]](section, manifest)
            if parts is None:
                report.error("it is left out, because not all of its services can be used")
            else:
                service = read_composite(
                    kinds[0], Section(parts.options, section.path, report), name, PROVIDER
                )
                services = (service, *parts.services)
        elif len(kinds) != 1:
            hint = f"expected one of {', '.join(_KINDS)}"
            report.error(f"spec has {' and '.join(kinds) or 'no kind of service'}", hint)
        spec.finish()
    return Decoded(
        manifest.subject,
        services=services,
        diagnostics=report.diagnostics,
        origins=manifest.origins,
        keys={f"services.{service.name}": "spec" for service in services},
    )


class Parts(Struct, frozen=True):
    """The options of a composite service in the format of dynamic files, and the services that it defines."""

    options: Tree
    services: tuple[Service, ...]


def share(section: Section, manifest: Manifest) -> Parts | None:
    """Read `services` with their weights; None if one of them cannot be used."""
    items = list(section.items("services"))
    members = [(item, read_service(item, manifest)) for item in items]
    found = [(item, member) for item, member in members if member is not None]
    written = section.raw("services")
    if not isinstance(written, (list, tuple)) or len(found) != len(written):
        return None
    named = [_member(item, member.name, "weight") for item, member in found]
    return Parts({**_options(section), "services": named}, _defined(member for _, member in found))


def _mirroring(section: Section, manifest: Manifest) -> Parts | None:
    main = read_service(section, manifest)
    mirrors = [(item, read_service(item, manifest)) for item in section.items("mirrors")]
    found = [(item, mirror) for item, mirror in mirrors if mirror is not None]
    written = section.raw("mirrors") or ()
    if main is None or not isinstance(written, (list, tuple)) or len(found) != len(written):
        return None
    options = {name: section.raw(name) for name in ("mirrorBody", "maxBodySize") if section.has(name)}
    named = [_member(item, mirror.name, "percent") for item, mirror in found]
    return Parts(
        {**options, "service": main.name, "mirrors": named},
        _defined((main, *(mirror for _, mirror in found))),
    )


def _failover(section: Section, manifest: Manifest) -> Parts | None:
    found: dict[str, ServiceReference] = {}
    for option in ("service", "fallback"):
        reference = section.section(option)
        if reference is None:
            section.report.error(f"{section.report.at(section.key(option))} is missing")
            continue
        service = read_service(reference, manifest)
        if service is not None:
            found[option] = service
    if len(found) < 2:
        return None
    names = {option: service.name for option, service in found.items()}
    return Parts({**_options(section), **names}, _defined(found.values()))


def _options(section: Section) -> dict[str, object]:
    return {name: section.raw(name) for name in section.names}


def _member(item: Section, name: str, share_option: str) -> Tree:
    given = item.raw(share_option)
    return {"name": name} if given is None else {"name": name, share_option: given}


def _defined(references: Iterable[ServiceReference]) -> tuple[Service, ...]:
    """Return the services that the references define, each once."""
    found = {each.name: each.service for each in references if each.service is not None}
    return tuple(found.values())


_KINDS: dict[str, Callable[[Section, Manifest], Parts | None]] = {
    "weighted": share,
    "mirroring": _mirroring,
    "highestRandomWeight": share,
    "failover": _failover,
}
