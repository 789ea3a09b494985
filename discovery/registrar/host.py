"""The name and address of this host."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address


def host_name() -> str:
    """Return this host's name, the first part of every service id."""
    return os.uname().nodename


def host_address(name: str) -> str:
    """Return the address that the host's name resolves to, for published ports.

    It is empty if the name has no address that other hosts can use; Consul then uses its agent's address.
    """
    try:
        found = socket.gethostbyname(name)
    except OSError:
        return ""
    return "" if ip_address(found).is_loopback else found
