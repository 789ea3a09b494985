"""Errors of a user are reported by name and affect nothing else."""

from collections.abc import Callable
from typing import Any

from docker.models.containers import Container

from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.waiting import until


def diagnostics_about(running: Installation, subject: str) -> list[dict[str, Any]]:
    """Wait for diagnostics about this subject and return them."""

    def matching() -> list[dict[str, Any]]:
        every: list[dict[str, Any]] = running.api("/api/rawdata")["diagnostics"]
        return [diagnostic for diagnostic in every if subject in diagnostic["subject"]]

    return until(matching, f"a diagnostic about {subject}")


def test_a_broken_rule_is_reported_and_other_containers_are_served(
    engine: Engine, whoami: Callable[..., Container], installation: Callable[..., Installation]
) -> None:
    whoami(name="broken", labels={"traefik.http.routers.broken.rule": "Host(`broken.test`"})
    whoami(name="valid", labels={"traefik.http.routers.valid.rule": "Host(`valid.test`)"})
    running = installation("--workers=1", engine=engine)
    running.wait_for("valid.test")
    messages = " ".join(diagnostic["message"] for diagnostic in diagnostics_about(running, "broken"))
    assert "traefik.http.routers.broken.rule" in messages
    assert "Host(`broken.test`" in messages
    router = running.api("/api/http/routers/broken@docker")
    assert (router["status"], "Host(`broken.test`" in router["error"][0]) == ("disabled", True)
    unrouted = running.api("/api/diagnostics?unrouted=true")
    subjects = {diagnostic["subject"] for diagnostic in unrouted}
    assert "container broken" in subjects
    assert "container valid" not in subjects
    assert running.request("broken.test").status == 404


def test_a_bad_weight_is_reported_and_the_container_is_served(
    engine: Engine, whoami: Callable[..., Container], installation: Callable[..., Installation]
) -> None:
    whoami(name="heavy", labels={"traefik.frontend.rule": "Host:heavy.test", "traefik.weight": "lots"})
    running = installation("--workers=1", engine=engine)
    running.wait_for("heavy.test")
    messages = " ".join(diagnostic["message"] for diagnostic in diagnostics_about(running, "heavy"))
    assert "traefik.weight" in messages
    assert "lots" in messages


def test_containers_that_are_not_routed_are_listed_with_the_reason(
    engine: Engine, whoami: Callable[..., Container], installation: Callable[..., Installation]
) -> None:
    whoami(name="hidden", labels={"traefik.enable": "false", "traefik.frontend.rule": "Host:hidden.test"})
    whoami(name="apart", network_mode="none", labels={"traefik.frontend.rule": "Host:apart.test"})
    whoami(
        name="guarded",
        labels={"traefik.frontend.rule": "Host:g.test", "traefik.frontend.whiteList.sourceRange": "here"},
    )
    running = installation("--workers=1", engine=engine)
    assert "traefik.enable" in diagnostics_about(running, "hidden")[0]["message"]
    assert "network" in diagnostics_about(running, "apart")[0]["message"]
    assert diagnostics_about(running, "guarded")
    assert running.request("hidden.test").status == 404
    assert running.request("apart.test").status == 404
    assert running.wait_for("g.test", status=503).status == 503
