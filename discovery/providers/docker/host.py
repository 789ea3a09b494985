"""Where a container in host mode can be reached: at the machine that it runs on."""

from __future__ import annotations

import socket
from collections.abc import Callable

NAMES = ("host.docker.internal", "host.containers.internal")
"""What the machine is called inside a container: by Docker, by Podman."""

LOOPBACK = "127.0.0.1"


def host_address(resolve: Callable[[str], str] = socket.gethostbyname) -> str:
    """The machine's address as seen from here: one of NAMES, else the loopback address; as in Traefik."""
    for name in NAMES:
        try:
            return resolve(name)
        except OSError:
            continue
    return LOOPBACK
