"""Checks the certificates that route files name, and finds those and the TLS options that nothing uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec.structs import replace

from discovery.certificates.named_files import named_path
from discovery.certificates.reader import CertificateReader
from discovery.checking.mounts import Mounts
from discovery.decoding.decoded import Decoded
from discovery.decoding.written_pair import WrittenPair
from discovery.merging.entry_point_tls import EntryPointTls
from rondpoint.certificate_options import may_be_shown
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.rules.literal_hosts import literal_hosts
from rondpoint.rules.server_names import server_names
from rondpoint.tls.model import TlsOptions

_MAX_NAMES = 5


def read_certificates(decoded: Decoded, provider: str, mounts: Mounts | None) -> Decoded:
    """Complete a decoded route file with the certificates that it names.

    If a container of a compose file reads the route file, `mounts` are those of the container. Files that it
    does not mount cannot be checked, and a note says so.
    """
    local = decoded if mounts is None else _on_this_machine(decoded, provider, mounts)
    reader = CertificateReader(provider, _keep)
    reader.refresh([local])
    return reader.completed[0]


def unused_parts(configuration: Configuration, tls: EntryPointTls) -> Iterator[Diagnostic]:
    """Yield notes about certificates whose names no router has, and TLS options that nothing names.

    Without routers, there are none: the routers may be in labels.
    """
    routers = configuration.routers.values()
    tcp_routers = [each for each in configuration.tcp_routers.values() if each.tls and not each.passthrough]
    if not routers and not tcp_routers:
        return
    named = {router.tls_options for router in routers} | {router.tls_options for router in tcp_routers}
    named |= set(tls.options.values())
    for options in configuration.tls_options.values():
        if not options.is_default and named.isdisjoint((options.name, options.name.partition("@")[0])):
            subject = f"TLS options {options.name}"
            yield _note(options.name, subject, "no router names them", "set tls.options of a router")
    hosts: set[str] = set()
    for router in routers:
        own = literal_hosts(router.rule.expression)
        if own is None and not router.parents:
            # It may serve any host.
            return
        hosts |= own or frozenset()
    for tcp_router in tcp_routers:
        names = set(server_names(tcp_router.rule.expression))
        if not names or "*" in names:
            return
        hosts |= names
    for certificate in configuration.certificates.values():
        if not certificate.default and not any(_covers_one(name, hosts) for name in certificate.names):
            listed = ", ".join(certificate.names[:_MAX_NAMES])
            more = ", …" if len(certificate.names) > _MAX_NAMES else ""
            subject = f"certificate {certificate.source}"
            message = f"no router has a host that it covers: {listed}{more}"
            yield _note(certificate.name, subject, message, "")


def _keep(key: str) -> str:
    """Return the key: nothing is stored or shown here."""
    return key


def _on_this_machine(decoded: Decoded, provider: str, mounts: Mounts) -> Decoded:
    """Replace the names of a container's files by those of this machine; leave out files without one."""
    notes: list[Diagnostic] = []

    def local(text: str, path: str) -> str | None:
        if named_path(text) is None:
            return text
        found = mounts.local_path(Path(text)) if Path(text).is_absolute() else None
        if found is None:
            written = f"{path}={text}" if may_be_shown(text) else path
            message = f"{written} is not checked: no file of this machine is mounted there"
            notes.append(_note(f"@{provider}", decoded.subject, message, ""))
        return None if found is None else str(found)

    pairs = [moved for pair in decoded.pairs if (moved := _move_pair(pair, local)) is not None]
    options = [_move_authorities(each, decoded, local) for each in decoded.tls_options]
    return replace(
        decoded,
        pairs=tuple(pairs),
        tls_options=tuple(options),
        diagnostics=(*decoded.diagnostics, *notes),
    )


Local = Callable[[str, str], str | None]
"""Returns the value of the option with this key on this machine, None if it is unknown."""


def _move_pair(pair: WrittenPair, local: Local) -> WrittenPair | None:
    certificate = local(pair.cert_file, f"{pair.path}.certFile")
    key = local(pair.key_file, f"{pair.path}.keyFile")
    return None if certificate is None or key is None else replace(pair, cert_file=certificate, key_file=key)


def _move_authorities(options: TlsOptions, decoded: Decoded, local: Local) -> TlsOptions:
    path = f"{decoded.keys[f'tlsOptions.{options.name}']}.clientAuth.caFiles"
    found = (local(text, path) for text in options.client_authorities)
    return replace(options, client_authorities=tuple(text for text in found if text is not None))


def _covers_one(name: str, hosts: set[str]) -> bool:
    if name in hosts:
        return True
    if not name.startswith("*."):
        return name in hosts
    return any(host.partition(".")[2] == name[2:] for host in hosts)


def _note(name: str, subject: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(Severity.NOTE, name.rpartition("@")[2], subject, message, hint)
