"""Finds the address of the Docker host, at which containers in host network mode are reached."""

from __future__ import annotations

import socket
from collections.abc import Callable

NAMES = ("host.docker.internal", "host.containers.internal")
"""The names of the host inside a container: Docker's and Podman's."""

LOOPBACK = "127.0.0.1"


def host_address(resolve: Callable[[str], str] = socket.gethostbyname) -> str:
    """Return the address of the first of NAMES that resolves, else the loopback address; as in Traefik."""
    for name in NAMES:
        try:
            return resolve(name)
        except OSError:
            continue
    return LOOPBACK
