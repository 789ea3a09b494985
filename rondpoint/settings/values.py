"""Parsers and types for the values of settings, in Traefik's notation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from rondpoint.settings.declaration import Parse
from rondpoint.tls.model import TlsDomain

Network = IPv4Network | IPv6Network

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})


def parse_duration(value: object) -> float:
    """Return a duration in seconds, from `10s`, `1m30s`, `1.5h`, `300ms` or a number of seconds.

    Raises ValueError for anything else, such as a negative duration.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        seconds = _sum_units(value.strip()) if isinstance(value, str) else -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError("expected a duration such as 10s, 1m30s or a number of seconds")
    return seconds


def parse_signed_duration(value: object) -> float:
    """Return a duration in seconds like parse_duration; a negative one, such as `-1s`, is allowed too."""
    text = value.strip() if isinstance(value, str) else str(value)
    if text.startswith("-") and not isinstance(value, bool):
        return -parse_duration(text[1:])
    return parse_duration(value)


def _sum_units(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    total, position = 0.0, 0
    while part := _PART.match(text, position):
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    return total if position and position == len(text) else -1.0


def parse_switch(value: object) -> bool:
    """Return a boolean; accepts Traefik's spellings in any case: `true t 1 false f 0`. Raises ValueError."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("expected true or false")


def parse_text(value: object) -> str:
    """Return a text unchanged, or a number from a TOML or YAML file as text. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("expected text")


def parse_count(value: object) -> int:
    """Return a whole number, given as a number or as text. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip(), re.ASCII):
        return int(value)
    raise ValueError("expected a whole number")


def _at_least(lowest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        count = parse_count(value)
        if count < lowest:
            raise ValueError(f"expected {lowest} or more")
        return count

    return parse


def parse_path(value: object) -> Path | None:
    """Return a path unchanged, or None for empty text. Raises ValueError."""
    if value is None or isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a path")  # noqa: TRY004 - a fault of the user
    return Path(value) if value.strip() else None


def parse_texts(value: object) -> tuple[str, ...]:
    """Return the items of a list or of a comma-separated text, without blanks around and empty ones.

    Raises ValueError.
    """
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("expected a list, or values separated by commas")
    return tuple(text for text in (item.strip() for item in items) if text)


def parse_networks(value: object) -> tuple[Network, ...]:
    """Return the networks (CIDR) and single addresses of a list or of a comma-separated text.

    Bits after the mask are ignored, as in Traefik: `10.0.0.1/8` is `10.0.0.0/8`. Raises ValueError.
    """
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("expected addresses or networks such as 10.0.0.0/8, 192.168.1.7 or fd00::/8")  # noqa: TRY004 - a fault of the user
    networks: list[Network] = []
    for item in items:
        text = str(item).strip()
        if not text and isinstance(value, str):
            continue
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            raise ValueError(
                f"{text!r} is neither an address nor a network such as 10.0.0.0/8 or fd00::/8"
            ) from None
    return tuple(networks)


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """Two PEM files: a certificate with its intermediate certificates, and its key."""

    cert_file: Path
    key_file: Path


def parse_certificates(value: object) -> tuple[CertificatePair, ...]:
    """Return the pairs of a list of tables (`certFile`, `keyFile`) or of a text such as `cert.pem,key.pem`.

    Several pairs in a text are separated by `;`. Raises ValueError.
    """
    if isinstance(value, str):
        items: list[object] = [item.split(",") for item in value.split(";") if item.strip()]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        raise ValueError(_CERTIFICATES)  # noqa: TRY004 - a fault of the user
    return tuple(_parse_certificate(item) for item in items)


def _parse_certificate(item: object) -> CertificatePair:
    if isinstance(item, CertificatePair):
        return item
    if isinstance(item, dict):
        named = {str(key).lower(): value for key, value in item.items()}
        files = [named.pop("certfile", None), named.pop("keyfile", None)]
        if named:
            raise ValueError(f"unknown key {', '.join(named)}; expected certFile and keyFile")
    else:
        files = list(item) if isinstance(item, list | tuple) else []
    if len(files) != 2 or not all(isinstance(file, str) and file.strip() for file in files):
        raise ValueError(_CERTIFICATES)
    return CertificatePair(Path(str(files[0]).strip()), Path(str(files[1]).strip()))


_CERTIFICATES = "expected certFile and keyFile, or cert.pem,key.pem"


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """Marks a list of tables; flags and variables may set the keys of each item: `domains[0].main`."""

    names: tuple[str, ...]


def parse_domains(value: object) -> tuple[TlsDomain, ...]:
    """Return the names of certificates, from a list of tables (`main`, `sans`) or of texts (`main,san,san`).

    A single text is one certificate. Raises ValueError.
    """
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(_DOMAINS)  # noqa: TRY004 - a fault of the user
    return tuple(_parse_domain(item) for item in items)


def _parse_domain(item: object) -> TlsDomain:
    if isinstance(item, TlsDomain):
        return item
    if isinstance(item, str):
        main, *sans = parse_texts(item.replace(";", ",")) or ("",)
    elif isinstance(item, dict):
        named = {str(key).lower(): value for key, value in item.items()}
        main, sans = parse_text(named.pop("main", "")).strip(), list(parse_texts(named.pop("sans", ())))
        if named:
            raise ValueError(f"unknown key {', '.join(named)}; expected main and sans")
        if not main and sans:
            main, *sans = sans
    else:
        main, sans = "", []
    if not main:
        raise ValueError(_DOMAINS)
    return TlsDomain(main, tuple(sans))


_DOMAINS = "expected main and sans, or main.test,san.test"


Protocol = Literal["tcp", "udp"]


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of an address: `:80`, `127.0.0.1:8080`, `[::1]:80`, with an optional `/tcp`.

    An empty host means every address of the machine, IPv4 and IPv6. Raises ValueError.
    """
    host, port, protocol = split_entry_point_address(address)
    if protocol == "udp":
        raise ValueError("expected an address for TCP, such as :80, without /udp")
    return host, port


def split_entry_point_address(address: str) -> tuple[str, int, Protocol]:
    """Return host, port and protocol of an address as `split_address` reads it, or with `/udp` at its end.

    Raises ValueError.
    """
    authority, _, ending = address.strip().partition("/")
    host, colon, port = authority.rpartition(":")
    bracket_ipv6 = host.startswith("[") and host.endswith("]")
    valid = colon and re.fullmatch(r"\d{1,5}", port, re.ASCII) and 1 <= int(port) <= 65535
    if not valid or ending.lower() not in ("", "tcp", "udp") or (":" in host and not bracket_ipv6):
        raise ValueError("expected an address such as :80, 127.0.0.1:8080 or [::1]:80, for UDP :53/udp")
    return (host[1:-1] if bracket_ipv6 else host), int(port), "udp" if ending.lower() == "udp" else "tcp"


def _parse_address(value: object) -> str:
    address = parse_text(value).strip()
    split_address(address)
    return address


def _parse_entry_point_address(value: object) -> str:
    address = parse_text(value).strip()
    split_entry_point_address(address)
    return address


def _parse_timeout(value: object) -> float:
    seconds = parse_duration(value)
    if seconds < 0.01:
        raise ValueError("expected 10ms or more, such as 3s")
    return seconds


Seconds = Annotated[float, Parse(parse_duration)]
SignedSeconds = Annotated[float, Parse(parse_signed_duration)]
Switch = Annotated[bool, Parse(parse_switch)]
Text = Annotated[str, Parse(parse_text)]
Texts = Annotated[tuple[str, ...], Parse(parse_texts)]
Integer = Annotated[int, Parse(parse_count)]
NonNegativeInt = Annotated[int, Parse(_at_least(0))]
PositiveInt = Annotated[int, Parse(_at_least(1))]
Address = Annotated[str, Parse(_parse_address)]
EntryPointAddress = Annotated[str, Parse(_parse_entry_point_address)]
Timeout = Annotated[float, Parse(_parse_timeout)]
Networks = Annotated[tuple[Network, ...], Parse(parse_networks)]
OptionalPath = Annotated[Path | None, Parse(parse_path)]
Certificates = Annotated[tuple[CertificatePair, ...], Parse(parse_certificates)]
Domains = Annotated[tuple[TlsDomain, ...], Parse(parse_domains), ItemKeys(("main", "sans"))]
