"""A group of containers that come and go together."""

from __future__ import annotations

from typing import NamedTuple

from discovery.labels.container import Container
from rondpoint.diagnostics import Diagnostic


class ContainerGroup(NamedTuple):
    """The containers of a group, what is wrong with it, and whether it may change without an event."""

    containers: tuple[Container, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    waiting: bool = False
