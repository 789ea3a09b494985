"""Active health checks, from the route file to the responses of clients."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.discovery.health.test_check_loop import SwitchableServer
from tests.lab.installation import Installation
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import installed
from tests.lab.waiting import until

ROUTES = """\
http:
  routers:
    app: {rule: "Host(`app.test`)", service: app}
  services:
    app:
      loadBalancer:
        servers: [{url: "http://127.0.0.1:%d"}, {url: "http://127.0.0.1:%d"}]
        healthCheck: {path: /up, interval: 100ms, timeout: 60s}
"""


class NamedServer(SwitchableServer):
    """A server that responds with its name, and to health checks with its `status`."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __call__(self, connection: Connection) -> None:
        while request := connection.read():
            status = self.status if request.target == "/up" else "200 OK"
            connection.send(http_response(self._name.encode(), status))


def test_unhealthy_servers_get_no_requests_until_they_are_healthy_again(
    installation: Callable[..., Installation], tmp_path: Path
) -> None:
    one, two = NamedServer("one"), NamedServer("two")
    with Origin(one) as first, Origin(two) as second:
        (tmp_path / "routes.yml").write_text(ROUTES % (first.port, second.port))
        running = installation(
            "--workers=2",
            f"--providers.file.filename={tmp_path / 'routes.yml'}",
            "--providers.docker=false",
            directory=tmp_path,
        )
        running.wait_for_bodies({"one", "two"}, "app.test")
        two.status = "500 Oh"
        running.wait_for_bodies({"one"}, "app.test")
        running.wait_for_workers(2)
        assert running.bodies(20, "app.test") == ["one"] * 20

        service = running.api("/api/rawdata")["services"]["app@file"]
        assert service["serverStatus"] == {first.url: "UP", second.url: "DOWN"}
        output = explain(running)
        assert output.returncode == 0, output.stderr
        assert f"{second.url} (http://127.0.0.1:{second.port}, down" in output.stdout
        assert f"server {second.url} is down: status 500" in output.stdout

        one.status = "503 Closed"
        running.wait_for("app.test", status=503)
        running.wait_for_workers(2)
        output = explain(running)
        assert output.returncode == 1
        assert "every server of service app@file is down" in output.stdout

        one.status = two.status = "200 OK"
        running.wait_for_bodies({"one", "two"}, "app.test")
        until(lambda: not running.api("/api/rawdata")["diagnostics"], "no diagnostics")


def explain(running: Installation) -> subprocess.CompletedProcess[str]:
    address = f"--api=http://127.0.0.1:{running.admin}"
    command = [installed("rondpoint"), "explain", f"http://app.test:{running.web}/", address]
    return subprocess.run(command, capture_output=True, text=True, check=False)
