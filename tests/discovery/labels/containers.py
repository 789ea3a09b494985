"""Containers for tests: by default running, with one port and one network."""

from __future__ import annotations

from typing import Any

from discovery.labels.container import COMPOSE_PROJECT, COMPOSE_SERVICE, Container
from discovery.labels.options import LabelOptions, engine_label_options
from rondpoint.settings import DockerOptions


def label_options(**given: Any) -> LabelOptions:
    return engine_label_options(DockerOptions(**given))


OPTIONS = label_options()
WITH_DOMAIN = label_options(domain="docker")


def container(name: str = "web", labels: dict[str, str] | None = None, **given: Any) -> Container:
    given.setdefault("networks", {"bridge": "172.17.0.2"})
    given.setdefault("ports", (80,))
    return Container(id=f"id-of-{name}", name=name, labels=labels or {}, **given)


def compose(service: str = "webapp", number: int = 1, **labels: str) -> dict[str, str]:
    """Return the labels of Docker Compose for project `shop`; `__` in names stands for a dot."""
    own = {f"traefik.{name.replace('__', '.')}": value for name, value in labels.items()}
    return {COMPOSE_PROJECT: "shop", COMPOSE_SERVICE: service, **own}
