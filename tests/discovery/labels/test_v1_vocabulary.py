"""Every label of Traefik 1.7's reference is known, and has a row with its expected result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discovery.decoding.decoded import Decoded
from discovery.labels.constraints import parse
from discovery.labels.decode import decode
from discovery.labels.options import engine_label_options
from tests.discovery.labels.containers import OPTIONS, container
from tests.discovery.labels.v1_options import BACKEND_MIDDLEWARES, BACKEND_OPTIONS, FRONTEND_MIDDLEWARES
from tests.discovery.labels.v1_routes import PLAIN, ROUTES, Row

LABELS = Path(__file__).with_name("v1_labels.txt").read_text().splitlines()
"""The labels of docs/configuration/backends/docker.md without duplicates; consulcatalog.md has no others."""

OF_CONTAINERS = ("docker.network", "domain", "enable", "tags")
"""Labels that the reference does not have for segments; the domain is valid for segments nevertheless."""


def unknown(label: str) -> list[str]:
    labels = {"traefik.frontend.rule": "Host:a.test", label: "42"}
    found = decode(container(labels=labels), OPTIONS).diagnostics
    return [item.message for item in found if item.message.endswith("is unknown")]


@pytest.mark.parametrize("label", LABELS)
def test_no_label_of_the_reference_is_unknown(label: str) -> None:
    bare = label.removeprefix("traefik.")
    assert unknown(label) == unknown(label.upper().replace("TRAEFIK", "traefik")) == []
    if bare not in OF_CONTAINERS:
        assert unknown(f"traefik.part.{bare}") == []


def test_a_label_that_is_not_in_the_reference_is_unknown() -> None:
    assert unknown("traefik.frontend.headers.framedny")
    assert unknown("traefik.fronted.rule")


def test_every_label_of_the_reference_has_a_row() -> None:
    named = {
        name
        for row in (*FRONTEND_MIDDLEWARES, *BACKEND_MIDDLEWARES, *BACKEND_OPTIONS, *ROUTES)
        for name in row.labels
    } | set(PLAIN)
    missing = [label for label in LABELS if not any(_is(label, name) for name in named)]
    assert missing == []


def _is(label: str, name: str) -> bool:
    """Check whether `name` matches the label, in which NAME stands for any name."""
    wanted, given = label.lower().split(".")[1:], name.lower().split(".")
    return len(wanted) == len(given) and all(
        one in ("name", other) for one, other in zip(wanted, given, strict=True)
    )


def decoded(row: Row, segment: str = "") -> Decoded:
    given = {name: value for name, value in (PLAIN | row.labels).items() if name not in row.without}
    lead = f"{segment}." if segment else ""
    labels = {
        f"traefik.{'' if name in OF_CONTAINERS else lead}{name}": value for name, value in given.items()
    }
    settings = row.settings
    given_container = container("web_1", labels, **row.container)
    return decode(given_container, engine_label_options(settings), parse(settings.constraints))


def different(item: object, wanted: dict[str, Any]) -> dict[str, object]:
    found = {name: getattr(item, name) for name in wanted}
    found = {name: getattr(value, "text", value) for name, value in found.items()}
    return {name: value for name, value in found.items() if value != wanted[name]}


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: " ".join([*row.labels, *row.options]) or "plain")
@pytest.mark.parametrize("segment", ["", "part"])
def test_a_route_label_sets_its_fields(row: Row, segment: str) -> None:
    found = decoded(row, segment)
    if not row.routed:
        assert found.routers == found.services == ()
        assert any("not routed" in item.message for item in found.diagnostics)
        return
    (router,), (service,) = found.routers, found.services
    (server,) = service.servers
    assert router.service == service.name
    named = row.router.keys() & {"service"}
    if segment:
        own = service.name.removesuffix("@docker")
        assert (router.name, own.startswith("web-1-")) == (f"{segment}-{own}@docker", True)
        named = {"service"}
    assert different(router, {key: row.router[key] for key in row.router.keys() - named}) == {}
    assert segment or different(service, row.service) == {}
    assert different(server, row.server) == {}
