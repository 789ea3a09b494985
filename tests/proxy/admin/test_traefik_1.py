"""The paths of Traefik 1's API return the structures that its documentation shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.waiting import until

ROUTES = """
[backends.backend1]
  [backends.backend1.servers.server1]
  url = "http://172.17.0.2:80"
  weight = 10
  [backends.backend1.servers.server2]
  url = "http://172.17.0.3:80"
[backends.backend2.servers.server1]
url = "http://172.17.0.4:80"

[frontends.frontend1]
backend = "backend2"
priority = 7
passHostHeader = false
  [frontends.frontend1.routes.test_1]
  rule = "Host:test.localhost"
[frontends.frontend2]
backend = "backend1"
  [frontends.frontend2.routes.test_2]
  rule = "Path:/test"
"""

BACKEND1 = {
    "servers": {
        "server1": {"url": "http://172.17.0.2:80", "weight": 10},
        "server2": {"url": "http://172.17.0.3:80", "weight": 1},
    },
    "loadBalancer": {"method": "wrr"},
}
FRONTEND1 = {
    "backend": "backend2",
    "routes": {"route-frontend1": {"rule": "Host:test.localhost"}},
    "entryPoints": ["web"],
    "passHostHeader": False,
    "priority": 7,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory: Path = tmp_path_factory.mktemp("routes")
    (directory / "routes.toml").write_text(ROUTES)
    processes = Processes()
    found = start(processes, "--workers=1", f"--providers.file.filename={directory}/routes.toml")
    until(lambda: found.api("/api").get("file"), "the routes")
    yield found
    processes.stop()


def test_every_level_exists(running: Installation) -> None:
    whole = running.api("/api")
    assert whole == running.api("/api/providers")
    assert set(whole) == {"file"}
    assert whole["file"] == running.api("/api/providers/file")
    assert set(whole["file"]) == {"frontends", "backends"}
    at = "/api/providers/file"
    assert running.api(f"{at}/frontends") == whole["file"]["frontends"]
    assert running.api(f"{at}/backends") == whole["file"]["backends"]
    assert running.api(f"{at}/backends/backend1") == BACKEND1
    assert running.api(f"{at}/backends/backend1/servers") == BACKEND1["servers"]
    assert running.api(f"{at}/backends/backend1/servers/server1") == BACKEND1["servers"]["server1"]
    assert running.api(f"{at}/frontends/frontend1") == FRONTEND1
    assert running.api(f"{at}/frontends/frontend1/routes") == FRONTEND1["routes"]
    assert running.api(f"{at}/frontends/frontend1/routes/route-frontend1") == {"rule": "Host:test.localhost"}


@pytest.mark.parametrize(
    "path",
    [
        "/none",
        "/none/frontends",
        "/file/none",
        "/file/frontends/none",
        "/file/frontends/frontend1/routes/none",
        "/file/backends/none",
        "/file/backends/none/servers",
        "/file/backends/backend1/servers/none",
        "/web",
    ],
)
def test_unknown_objects_are_not_found(running: Installation, path: str) -> None:
    assert http.request(running.admin, "localhost", f"/api/providers{path}").status == 404
