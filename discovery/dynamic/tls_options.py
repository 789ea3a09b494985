"""Decodes `tls.options`: how connections are made with clients of the hosts whose routers name them.

Options of which one cannot be read refuse all connections to these hosts. Without it, the proxy might accept
clients that their author wants to keep out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar, get_args

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.rules.suggestions import did_you_mean, find_nearest
from rondpoint.tls.algorithms import CIPHER_SUITES, CURVES, UNCONFIGURABLE_SUITES
from rondpoint.tls.model import ClientAuthType, TlsOptions

T = TypeVar("T")

OPTIONS = (
    *("minVersion", "maxVersion", "cipherSuites", "curvePreferences", "clientAuth", "sniStrict"),
    *("alpnProtocols", "disableSessionTickets", "preferServerCipherSuites"),
)

_CLIENT_AUTH: dict[str, ClientAuthType] = {name.lower(): name for name in get_args(ClientAuthType)}
_NONE: tuple[str, ...] = ()
_VERIFYING = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")


def client_auth_type(value: object) -> ClientAuthType:
    """One of Go's five types of client authentication."""
    found = _CLIENT_AUTH.get(values.text(value).lower())
    if found is None:
        raise ValueError(f"expected one of {', '.join(_CLIENT_AUTH.values())}")
    return found


def cipher_suites(value: object) -> tuple[str, ...]:
    """Go's names of cipher suites; those of TLS 1.3 have no effect, as in Go."""
    return _known(values.texts(value), (*CIPHER_SUITES, *UNCONFIGURABLE_SUITES), "cipher suite")


def curves(value: object) -> tuple[str, ...]:
    """Go's names of curves, or those of RFC 8446."""
    return _known(values.texts(value), CURVES, "curve")


def read_options(name: str, section: Section) -> TlsOptions:
    """Read the options with this qualified name; report what is wrong, and say so in their `unserved`.

    `client_authorities` are as written: names of files, or certificates in PEM.
    """
    return _Reader(section).read(name)


class _Reader:
    """Reads one set of options, and remembers the faults that close their hosts."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._faults: list[str] = []

    def read(self, name: str) -> TlsOptions:
        section = self._section
        client_auth, authorities = self._client_auth()
        read = TlsOptions(
            name,
            min_version=self._guarded(section, "minVersion", values.tls_version, "VersionTLS12"),
            max_version=self._guarded(section, "maxVersion", values.tls_version, None),
            cipher_suites=self._guarded(section, "cipherSuites", cipher_suites, _NONE),
            curves=self._guarded(section, "curvePreferences", curves, _NONE),
            alpn=self._guarded(section, "alpnProtocols", values.texts, _NONE),
            sni_strict=self._guarded(section, "sniStrict", values.boolean, False),
            client_auth=client_auth,
            client_authorities=authorities,
            session_tickets=not self._guarded(section, "disableSessionTickets", values.boolean, False),
        )
        if section.has("preferServerCipherSuites"):
            at = section.report.at(section.key("preferServerCipherSuites"))
            section.report.note(f"{at} has no effect, as in Traefik")
        self._refuse_unknown(section)
        return replace(read, unserved="; ".join(self._faults))

    def _client_auth(self) -> tuple[ClientAuthType, tuple[str, ...]]:
        section = self._section.section("clientAuth")
        if section is None:
            if self._section.has("clientAuth"):
                self._faults.append("clientAuth is not valid")
            return "NoClientCert", _NONE
        authorities = self._guarded(section, "caFiles", values.texts, _NONE)
        default: ClientAuthType = "RequireAndVerifyClientCert" if authorities else "NoClientCert"
        client_auth = self._guarded(section, "clientAuthType", client_auth_type, default)
        if client_auth in _VERIFYING and not authorities:
            hint = "name the files of the authorities whose certificates clients have"
            self._refuse(
                section, "clientAuthType", f"is {client_auth}, but clientAuth.caFiles is empty", hint
            )
        self._refuse_unknown(section)
        return client_auth, authorities

    def _guarded(self, section: Section, option: str, read: Callable[[object], T], default: T) -> T:
        """Read an option; an invalid value closes the hosts."""
        found = section.read(option, read, None)
        if found is not None:
            return found
        if section.has(option):
            self._faults.append(f"{option} is not valid")
        return default

    def _refuse_unknown(self, section: Section) -> None:
        for written in section.unread:
            self._refuse(section, written, "is unknown", did_you_mean(written, OPTIONS))

    def _refuse(self, section: Section, option: str, fault: str, hint: str) -> None:
        report = section.report
        message = f"{report.at(section.key(option))} {fault}, so connections with these options are refused"
        report.error(message, hint)
        self._faults.append(f"{option} {fault}")


def _known(names: tuple[str, ...], known: Collection[str], kind: str) -> tuple[str, ...]:
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        nearest = find_nearest(unknown, known)
        hint = f"; did you mean {nearest}?" if nearest else ""
        raise ValueError(f"Go has no {kind} {unknown!r}{hint}")
    return names
