"""The kinds of value that settings have, as Traefik writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

Network = IPv4Network | IPv6Network

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})


def parse_duration(value: object) -> float:
    """A duration: `10s`, `1m30s`, `1.5h`, `300ms`, or a plain number of seconds; in seconds.

    Raises ValueError for anything else, negative durations among them.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        seconds = _seconds(value.strip()) if isinstance(value, str) else -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError("expected a duration such as 10s, 1m30s or a number of seconds")
    return seconds


def _seconds(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    total, position = 0.0, 0
    while part := _PART.match(text, position):
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    return total if position and position == len(text) else -1.0


def parse_switch(value: object) -> bool:
    """True or false: in the spellings Traefik takes, in any case, `true t 1 false f 0`."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("expected true or false")


def parse_text(value: object) -> str:
    """Text: as it stands; a bare number of a TOML or YAML file counts as its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("expected text")


def parse_count(value: object) -> int:
    """A whole number: written as a number or as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value.strip(), re.ASCII):
        return int(value)
    raise ValueError("expected a whole number")


def parse_path(value: object) -> Path | None:
    """A path as it stands; empty text is none."""
    if value is None or isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a path")  # noqa: TRY004 - pydantic reports ValueError
    return Path(value) if value.strip() else None


def parse_texts(value: object) -> tuple[str, ...]:
    """A list, or texts separated by commas; blanks trimmed, empty ones dropped."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("expected texts, as a list or separated by commas")
    return tuple(text for text in (item.strip() for item in items) if text)


def parse_networks(value: object) -> tuple[Network, ...]:
    """Networks in CIDR notation, or single addresses, as a list or separated by commas.

    Bits behind a mask are let go, as Traefik does: `10.0.0.1/8` is `10.0.0.0/8`.
    """
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("expected addresses or networks such as 10.0.0.0/8, 192.168.1.7 or fd00::/8")  # noqa: TRY004 - pydantic reports ValueError
    found: list[Network] = []
    for item in items:
        text = str(item).strip()
        if not text and isinstance(value, str):
            continue
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            raise ValueError(
                f"{text!r} is neither an address nor a network such as 10.0.0.0/8 or fd00::/8"
            ) from None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """Files in PEM format: a certificate with what links it to a known authority, and its key."""

    cert_file: Path
    key_file: Path


def parse_certificates(value: object) -> tuple[CertificatePair, ...]:
    """A list of tables with `certFile` and `keyFile`, or `cert.pem,key.pem` with `;` between several."""
    if isinstance(value, str):
        items: list[object] = [item.split(",") for item in value.split(";") if item.strip()]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        raise ValueError(_CERTIFICATES)  # noqa: TRY004 - pydantic reports ValueError
    return tuple(_certificate(item) for item in items)


def _certificate(item: object) -> CertificatePair:
    if isinstance(item, CertificatePair):
        return item
    if isinstance(item, dict):
        named = {str(key).lower(): value for key, value in item.items()}
        files = [named.pop("certfile", None), named.pop("keyfile", None)]
        if named:
            raise ValueError(f"{', '.join(named)} is unknown beside certFile and keyFile")
    else:
        files = list(item) if isinstance(item, list | tuple) else []
    if len(files) != 2 or not all(isinstance(file, str) and file.strip() for file in files):
        raise ValueError(_CERTIFICATES)
    return CertificatePair(Path(str(files[0]).strip()), Path(str(files[1]).strip()))


_CERTIFICATES = "expected certFile and keyFile, or cert.pem,key.pem"


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `:80`, `127.0.0.1:8080`, `[::1]:80`, with an optional `/tcp` at the end.

    The host is empty when the address names none: every address of the machine, IPv4 and IPv6.
    Raises ValueError.
    """
    where, _, protocol = address.strip().partition("/")
    if protocol.lower() == "udp":
        raise ValueError("UDP is not served")
    host, colon, port = where.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    valid = colon and re.fullmatch(r"\d{1,5}", port, re.ASCII) and 1 <= int(port) <= 65535
    if not valid or protocol.lower() not in ("", "tcp") or (":" in host and not bracketed):
        raise ValueError("expected an address such as :80, 127.0.0.1:8080 or [::1]:80")
    return (host[1:-1] if bracketed else host), int(port)


def _checked_address(value: object) -> str:
    address = parse_text(value).strip()
    split_address(address)
    return address


Seconds = Annotated[float, BeforeValidator(parse_duration)]
Switch = Annotated[bool, BeforeValidator(parse_switch)]
Text = Annotated[str, BeforeValidator(parse_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(parse_texts)]
NonNegativeInt = Annotated[int, BeforeValidator(parse_count), Field(ge=0)]
PositiveInt = Annotated[int, BeforeValidator(parse_count), Field(ge=1)]
NonNegativeInt = Annotated[int, BeforeValidator(parse_count), Field(ge=0)]
Address = Annotated[str, BeforeValidator(_checked_address)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(parse_networks)]
OptionalPath = Annotated[Path | None, BeforeValidator(parse_path)]
Certificates = Annotated[tuple[CertificatePair, ...], BeforeValidator(parse_certificates)]
