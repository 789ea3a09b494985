"""The host that containers are registered for."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address


def host_name() -> str:
    """The first part of every id."""
    return os.uname().nodename


def host_address(name: str) -> str:
    """Where published ports are reached: the address that the host's name has.

    Empty where it has none that others could use; Consul then tells its own agent's.
    """
    try:
        found = socket.gethostbyname(name)
    except OSError:
        return ""
    return "" if ip_address(found).is_loopback else found
