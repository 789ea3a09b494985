"""What a user wants to know once Rondpoint is up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rondpoint.settings import (
    ConsulCatalogOptions,
    ConsulOptions,
    DockerOptions,
    EntryPoint,
    FileOptions,
    Settings,
)
from rondpoint.store.address import shown


def facts(settings: Settings) -> Iterator[str]:
    """A line a fact: entry points, dashboard, providers, registrar, store."""
    for name, point in settings.web_entry_points.items():
        yield settings.why_closed(name) or f"entry point {name}: {point.address}"
    if settings.api.dashboard:
        yield f"dashboard: {url(settings.admin)}/dashboard/"
    yield f"providers: {', '.join(_providers(settings)) or 'none'}"
    if settings.registrator is not None and settings.registrator.enabled:
        consul = settings.registrator.consul
        yield _consul("registrator: on", () if consul is None else (consul.address,))
    # A password in the URL is nothing to print.
    yield f"store: {'embedded' if settings.redis.url is None else shown(settings.redis.url)}"
    yield f"workers: {settings.workers}"


def url(point: EntryPoint) -> str:
    """Where this machine reaches an entry point."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(point.host, point.host)  # noqa: S104
    return f"http://[{host}]:{point.port}" if ":" in host else f"http://{host}:{point.port}"


def _providers(settings: Settings) -> Iterator[str]:
    match settings.providers.docker:
        case DockerOptions(endpoint=endpoint):
            yield f"docker ({endpoint})"
    match settings.providers.file:
        case FileOptions(filename=filename, directory=directory):
            yield f"file ({directory or filename})"
    match settings.providers.consul_catalog:
        case ConsulCatalogOptions(endpoint=agents):
            yield _consul("consulcatalog", agents.address.split(","))
    match settings.providers.consul:
        case ConsulOptions(endpoints=endpoints):
            yield _consul("consul", endpoints)
    if settings.providers.rest is not None:
        yield "rest"


def _consul(name: str, addresses: Iterable[str]) -> str:
    # Without an address it is the environment's, or the default one; a password in one is nothing to print.
    known = ", ".join(address.strip().rpartition("@")[2] for address in addresses if address.strip())
    return f"{name} ({known})" if known else name
