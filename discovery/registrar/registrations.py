"""Computes the service registrations of a container; a pure function of the container and the options."""

from __future__ import annotations

import re

from msgspec import Struct

from discovery.registrar.checks import Warn, decode_check
from discovery.registrar.keys import Keys, port_keys, split_tags
from discovery.registrar.registration import HOST_ATTRIBUTE, Options, Registration
from discovery.registrar.workload import Port, Workload
from rondpoint.diagnostics import Diagnostic, Severity

SOURCE = "registrator"
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MAX_META_VALUE = 512
_MAX_META_PAIRS = 63
"""One less than Consul's 64, since one pair is for HOST_ATTRIBUTE."""
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (read, not listened on)
_RESERVED_KEYS = frozenset({"id", "name", "tags"})


class ContainerServices(Struct, frozen=True):
    """The services of a container, and diagnostics about its keys."""

    registrations: tuple[Registration, ...]
    diagnostics: tuple[Diagnostic, ...]


def registrations(workload: Workload, options: Options) -> ContainerServices:
    """Return one service for each port to register, sorted by port; of two with one id only the first."""
    found: dict[str, Registration] = {}
    diagnostics: dict[Diagnostic, None] = {}

    def warn(message: str, hint: str) -> None:
        subject = f"container {workload.name}"
        diagnostics[Diagnostic(Severity.WARNING, SOURCE, subject, message, hint)] = None

    ports = [port for port in workload.ports if options.internal or port.host_port]
    for port in ports:
        made = _registration(workload, port, options, warn, several=len(ports) > 1)
        if made is None:
            continue
        if made.id in found:
            warn(f"SERVICE_ID={made.id} is given to several ports", f"set SERVICE_{port.number}_ID")
            continue
        found[made.id] = made
    return ContainerServices(tuple(found.values()), tuple(diagnostics))


def _registration(
    workload: Workload, port: Port, options: Options, warn: Warn, *, several: bool
) -> Registration | None:
    keys = port_keys(workload.environment, workload.labels, port.number)
    if keys.get("ignore") or (options.explicit and not keys.get("name")):
        return None
    name = keys.get("name") or image_name(workload.image)
    if several and "name" not in keys.port_specific:
        name = f"{name}-{port.number}"
    udp = port.protocol == "udp"
    address = _address(workload, port, options, warn)
    number = port.number if options.internal else port.host_port
    own_id = f"{options.hostname}:{workload.name}:{port.number}{':udp' if udp else ''}"
    return Registration(
        id=keys.get("id") or own_id,
        name=name,
        address=address,
        port=number,
        tags=(*split_tags(keys.get("tags")), *options.tags, *(("udp",) if udp else ())),
        meta=_meta(keys, warn) | ({HOST_ATTRIBUTE: options.hostname} if keys.get("id") else {}),
        check=decode_check(keys, address, number, warn),
    )


def image_name(image: str) -> str:
    """Return an image's base name: `registry:5000/osones/helloworld:1@sha256:…` → `helloworld`."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def _address(workload: Workload, port: Port, options: Options, warn: Warn) -> str:
    if options.ip_label:
        if labelled := workload.labels.get(options.ip_label):
            return labelled.rpartition("/")[0] or labelled
        warn(f"it has no label {options.ip_label}", "the label that -useIpFromLabel names holds the address")
    host = options.ip or options.host_address
    if workload.network_mode.startswith("container:"):
        return workload.address or host
    if options.internal:
        return workload.address or host
    return host if options.ip or port.host_ip in _WILDCARDS else port.host_ip


def _meta(keys: Keys, warn: Warn) -> dict[str, str]:
    """Return the attributes that Consul accepts. For an invalid one it would refuse the whole service."""
    meta: dict[str, str] = {}
    for key, value in sorted(keys.values.items()):
        if key in _RESERVED_KEYS:
            continue
        if not _META_KEY.fullmatch(key):
            warn(
                f"SERVICE_{key.upper()} is not a valid Consul key", "use at most 128 letters, digits, - and _"
            )
        elif len(value.encode()) > _MAX_META_VALUE:
            warn(
                f"SERVICE_{key.upper()} is longer than Consul accepts", f"use at most {_MAX_META_VALUE} bytes"
            )
        elif len(meta) == _MAX_META_PAIRS:
            warn(f"SERVICE_{key.upper()} is one attribute too many", f"use at most {_MAX_META_PAIRS}")
        else:
            meta[key] = value
    return meta
