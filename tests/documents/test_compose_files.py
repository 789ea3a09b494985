"""`rondpoint check` on compose files as people have them: each unserved thing is named, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from discovery.checking.checker import check_files
from discovery.checking.report import CheckReport, as_text
from rondpoint.diagnostics import Severity
from rondpoint.middlewares.kinds import SERVED_KINDS

FILES = sorted((Path(__file__).parent / "compose").glob("*.yml"))

ROUTERS = {
    "api": {"api"},
    "blog": {"wp", "traefik"},
    "bouncer": {"forum"},
    "certificates": {"ledger", "partners"},
    "cloud": {"cloud", "office"},
    "error-pages": {"forge", "pages"},
    "home": {"media", "printer"},
    "monitoring": {"grafana", "prometheus"},
    "single-sign-on": {"authelia", "photos", "notes", "notes-public"},
    "traefik-1": {
        "frontend-Host-shop-example-com-PathPrefix-05b328",
        "frontend-Host-wiki-example-com-PathPrefixStrip-wiki-96c023",
        "proxy-compose",
    },
    "traefik-1-limits": {"frontend-Host-uploads.example.com", "frontend-Host-pages.example.com"},
}

WARNINGS = {
    "home": ["headers.sslHost has no effect, as in Traefik 3", "headers.sslForceHost has no effect"],
}
"""Besides what is not served."""


def check(path: Path) -> CheckReport:
    return check_files([path], (), {}, path.parent)


def test_every_file_is_in_the_table() -> None:
    assert {path.stem for path in FILES} == ROUTERS.keys()
    assert len(FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_unserved_thing_is_named_and_nothing_else(path: Path) -> None:
    report = check(path)
    assert report.configuration is not None
    middlewares = report.configuration.middlewares.values()
    unserved = {each.kind for each in middlewares if each.kind and each.kind not in SERVED_KINDS}
    problems = [each for each in report.diagnostics if each.severity is not Severity.NOTE]
    for kind in unserved:
        named = [each for each in problems if f"{kind} is not served yet" in each.message]
        assert named, f"{path.name}: {kind} is not named"
        assert all(each.severity is Severity.ERROR and each.line for each in named)
    expected = WARNINGS.get(path.stem, [])
    others = [each.message for each in problems if "not served yet" not in each.message]
    assert len(others) == len(expected), others
    assert all(any(part in message for message in others) for part in expected), others


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_routers_are_there_with_their_middlewares_in_order(path: Path) -> None:
    report = check(path)
    assert report.configuration is not None
    assert {f"{name}@docker" for name in ROUTERS[path.stem]} == report.configuration.routers.keys()
    text = "\n".join(as_text(report))
    for router in report.configuration.routers.values():
        for name in router.middlewares:
            middleware = report.configuration.middlewares[name]
            if middleware.kind != "chain":
                assert f". {name} ({middleware.kind}" in text or f". {name}\n" in text
    assert not any(secret in text for secret in ("$apr1$", "0b8e0e9e", "crowdsec", "=secret"))


def test_the_members_of_a_chain_are_listed_in_the_order_in_which_they_run() -> None:
    lines = list(as_text(check(Path(__file__).parent / "compose" / "cloud.yml")))
    start = next(number for number, line in enumerate(lines) if line.startswith("  cloud@docker:"))
    assert [line.split()[1] for line in lines[start + 1 : start + 4]] == [
        "cloud-dav@docker",
        "cloud-headers@docker",
        "cloud-limit@docker",
    ]
    assert lines[start + 3].endswith("(rateLimit: average=100, burst=200, period=1s)")


def test_a_router_to_the_dashboard_is_listed_with_what_it_serves() -> None:
    lines = as_text(check(Path(__file__).parent / "compose" / "blog.yml"))
    assert "    → api@internal: the API, and the dashboard at /dashboard/" in lines
