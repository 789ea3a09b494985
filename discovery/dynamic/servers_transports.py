"""Decodes `http.serversTransports`: the options of connections to servers.

A transport with an option that is not served, or cannot be read, closes the services that use it. Without
the option, the proxy might connect with weaker checks than its author asked for.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.section import Section
from rondpoint.certificate_options import is_pem, may_be_shown
from rondpoint.middlewares.readers import seconds
from rondpoint.model import ClientCertificate, ServersTransport

T = TypeVar("T")

UNSERVED_OPTIONS = ("cipherSuites", "peerCertSANs", "spiffe")
"""Options that close the services of the transport."""

_TIMEOUTS: Mapping[str, float] = {
    "dialTimeout": 30.0,
    "responseHeaderTimeout": 0.0,
    "idleConnTimeout": 90.0,
    "readIdleTimeout": 0.0,
    "pingTimeout": 15.0,
}

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


def server_name(value: object) -> str:
    """A host name or an IP address."""
    return values.host(values.text(value))


def time_limit(value: object) -> float:
    """A duration, 0 for no limit."""
    found = seconds(value)
    if found < 0:
        raise ValueError("expected 0 or more")
    return found


def read_transport(name: str, section: Section) -> ServersTransport:
    """Read the transport with this qualified name; report what is wrong, and say so in its `unserved`."""
    timeouts = _read_timeouts(section)
    transport = replace(
        _TlsReader(section, "services with this transport respond 503").read(name),
        max_idle_connections=section.read("maxIdleConnsPerHost", values.integer, 0),
        disable_http2=section.read("disableHTTP2", values.boolean, False),
        dial_timeout=timeouts["dialTimeout"],
        response_header_timeout=timeouts["responseHeaderTimeout"],
        idle_timeout=timeouts["idleConnTimeout"],
        read_idle_timeout=timeouts["readIdleTimeout"],
        ping_timeout=timeouts["pingTimeout"],
    )
    section.finish()
    return transport


def read_tls_options(name: str, section: Section, effect: str) -> ServersTransport:
    """Read the options of TLS to servers alone; `effect` says what a fault entails."""
    transport = _TlsReader(section, effect).read(name)
    section.finish()
    return transport


def _read_timeouts(section: Section) -> Mapping[str, float]:
    timeouts = section.section("forwardingTimeouts")
    if timeouts is None:
        return _TIMEOUTS
    found = {option: timeouts.read(option, time_limit, limit) for option, limit in _TIMEOUTS.items()}
    timeouts.finish()
    return found


class _TlsReader:
    """Reads the TLS options of one transport, and remembers the faults that close its services."""

    def __init__(self, section: Section, effect: str) -> None:
        self._section = section
        self._effect = effect
        self._faults: list[str] = []

    def read(self, name: str) -> ServersTransport:
        section = self._section
        for option in UNSERVED_OPTIONS:
            if section.has(option):
                hint = "take it out only if the connections are safe without it"
                self._close(section, option, "is not served yet", hint)
        return ServersTransport(
            name,
            server_name=self._guarded("serverName", server_name, ""),
            insecure_skip_verify=section.read("insecureSkipVerify", values.boolean, False),
            root_cas=self._authorities(),
            certificate=self._certificate(),
            min_version=self._guarded("minVersion", values.tls_version, None),
            max_version=self._guarded("maxVersion", values.tls_version, None),
            peer_cert_uri=self._guarded("peerCertURI", values.text, ""),
            unserved="; ".join(self._faults),
        )

    def _guarded(self, option: str, read: Callable[[object], T], default: T) -> T:
        """Read an option whose absence would weaken the checks: an invalid value closes the services."""
        found = self._section.read(option, read, default)
        if found == default and self._section.has(option):
            # No reader returns the default, which stands for an absent option.
            self._faults.append(f"{option} is not valid")
        return found

    def _authorities(self) -> tuple[str, ...]:
        none: tuple[str, ...] = ()
        found = self._guarded("rootCAs", _file_names_or_texts, none)
        faults = [fault for text in found if (fault := _certificate_fault(text))]
        for fault in faults:
            self._close(self._section, "rootCAs", fault, "expected names of files, or certificates in PEM")
        return () if faults else found

    def _certificate(self) -> ClientCertificate | None:
        found = [self._pair(item) for item in self._section.items("certificates")]
        if self._section.raw("certificates") and not found:
            self._faults.append("certificates cannot be read")
        if len(found) > 1:
            hint = "name one certificate, and define another transport for servers that need another"
            self._close(self._section, "certificates", "has several certificates, which is not served", hint)
        return found[0] if found else None

    def _pair(self, item: Section) -> ClientCertificate:
        certificate, key = (_text(item.raw(option)) for option in ("certFile", "keyFile"))
        item.finish()
        if not certificate or not key:
            hint = "expected the names of two files, or PEM text for certFile"
            self._close(self._section, "certificates", "lacks certFile or keyFile", hint)
        for option, text in (("certFile", certificate), ("keyFile", key)):
            if _PRIVATE_KEY.search(text) or (option == "keyFile" and not may_be_shown(text)):
                # The store would hold the key in clear, so it does not get there.
                hint = "put the key into a file that only the proxy can read, and set keyFile to its name"
                self._close(item, option, "contains a private key, which would get into the store", hint)
                return ClientCertificate("", "")
        if is_pem(certificate) and (fault := _certificate_fault(certificate)):
            self._close(item, "certFile", fault, "expected the name of a file, or a certificate in PEM")
        return ClientCertificate(certificate, key)

    def _close(self, section: Section, option: str, fault: str, hint: str) -> None:
        # The value is not shown: it may hold a secret.
        report = section.report
        at = report.at(section.key(option))
        report.error(f"{at} {fault}, so {self._effect}", hint)
        self._faults.append(f"{option} {fault}")


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _file_names_or_texts(value: object) -> tuple[str, ...]:
    """Names of files, or certificates in PEM."""
    found = values.texts(value)
    if not found:
        raise ValueError("expected names of files, or certificates in PEM")
    return found


def _certificate_fault(text: str) -> str:
    """Return why this PEM text is not usable, or an empty text; the names of files are not looked at."""
    if not is_pem(text):
        return ""
    if _PRIVATE_KEY.search(text):
        return "contains a private key, which would get into the store"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (OSError, ValueError) as error:
        return f"is no certificate in PEM ({getattr(error, 'reason', None) or error})"
    return ""
