"""What a user got wrong is said, by name, and costs nobody else anything."""

from collections.abc import Callable
from typing import Any

from docker.models.containers import Container

from tests.lab.engine import Engine
from tests.lab.installation import Installation
from tests.lab.waiting import until


def findings(running: Installation, subject: str) -> list[dict[str, Any]]:
    """The diagnostics about this subject, once there are any."""

    def ask() -> list[dict[str, Any]]:
        every: list[dict[str, Any]] = running.api("/api/rawdata")["diagnostics"]
        return [finding for finding in every if subject in finding["subject"]]

    return until(ask, f"a diagnostic about {subject}")


def test_a_broken_rule_is_named_and_its_neighbour_is_served(
    engine: Engine, whoami: Callable[..., Container], installation: Callable[..., Installation]
) -> None:
    whoami(name="broken", labels={"traefik.http.routers.broken.rule": "Host(`broken.test`"})
    whoami(name="sound", labels={"traefik.http.routers.sound.rule": "Host(`sound.test`)"})
    running = installation("--workers=1", engine=engine)
    running.wait_for("sound.test")
    said = " ".join(finding["message"] for finding in findings(running, "broken"))
    assert "traefik.http.routers.broken.rule" in said
    assert "Host(`broken.test`" in said
    router = running.api("/api/http/routers/broken@docker")
    assert (router["status"], "Host(`broken.test`" in router["error"][0]) == ("disabled", True)
    unrouted = running.api("/api/diagnostics?unrouted=true")
    subjects = {finding["subject"] for finding in unrouted}
    assert "container broken" in subjects
    assert "container sound" not in subjects
    assert running.request("broken.test").status == 404


def test_a_bad_weight_is_named_and_the_container_is_served_all_the_same(
    engine: Engine, whoami: Callable[..., Container], installation: Callable[..., Installation]
) -> None:
    whoami(name="heavy", labels={"traefik.frontend.rule": "Host:heavy.test", "traefik.weight": "lots"})
    running = installation("--workers=1", engine=engine)
    running.wait_for("heavy.test")
    said = " ".join(finding["message"] for finding in findings(running, "heavy"))
    assert "traefik.weight" in said
    assert "lots" in said


def test_containers_that_are_not_routed_are_listed_with_the_reason(
    engine: Engine, whoami: Callable[..., Container], installation: Callable[..., Installation]
) -> None:
    whoami(name="hidden", labels={"traefik.enable": "false", "traefik.frontend.rule": "Host:hidden.test"})
    whoami(name="apart", network_mode="none", labels={"traefik.frontend.rule": "Host:apart.test"})
    whoami(
        name="guarded", labels={"traefik.frontend.rule": "Host:g.test", "traefik.frontend.auth.basic": "u:p"}
    )
    running = installation("--workers=1", engine=engine)
    assert "traefik.enable" in findings(running, "hidden")[0]["message"]
    assert "network" in findings(running, "apart")[0]["message"]
    assert findings(running, "guarded")
    assert running.request("hidden.test").status == 404
    assert running.request("apart.test").status == 404
    assert running.wait_for("g.test", status=503).status == 503
