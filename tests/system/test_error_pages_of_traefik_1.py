"""Error pages of a Traefik 1 frontend, from a route file to the client's response."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.installation import Installation, start
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import Processes

ROUTES = """
[backends.app.servers.a]
url = "{app}"
[backends.pages.servers.a]
url = "{pages}"
[frontends.app]
backend = "app"
[frontends.app.routes.r]
rule = "Host:app.test"
[frontends.app.errors.down]
status = ["500-599"]
backend = "pages"
query = "/down/{{status}}.html"
[frontends.app.errors.gone]
status = ["404", "410"]
backend = "pages"
query = "gone?{{status}}"
[frontends.lost]
backend = "app"
[frontends.lost.routes.r]
rule = "Host:lost.test"
[frontends.lost.errors.down]
status = ["500-599"]
backend = "nowhere"
"""


def by_path(connection: Connection) -> None:
    while (request := connection.read()) is not None:
        connection.send(http_response(b"app", f"{request.target[1:]} X"))


def echo(connection: Connection) -> None:
    while (request := connection.read()) is not None:
        connection.send(http_response(request.target.encode()))


@pytest.fixture(scope="module")
def rondpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("routes")
    started = Processes()
    with Origin(by_path) as app, Origin(echo) as pages:
        (directory / "routes.toml").write_text(ROUTES.format(app=app.url, pages=pages.url))
        flag = f"--providers.file.filename={directory / 'routes.toml'}"
        try:
            running = start(started, flag, "--providers.docker=false", "--workers=1", directory=directory)
            running.wait_for("app.test", "/200")
            yield running
        finally:
            started.stop()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "app"),
        (403, "app"),
        (404, "/gone?404"),
        (410, "/gone?410"),
        (500, "/down/500.html"),
        (599, "/down/599.html"),
    ],
)
def test_each_set_of_statuses_has_its_page(rondpoint: Installation, status: int, text: str) -> None:
    response = rondpoint.request("app.test", f"/{status}")
    assert (response.status, response.text) == (status, text)


def test_a_frontend_whose_pages_have_no_backend_responds_503(rondpoint: Installation) -> None:
    response = rondpoint.request("lost.test", "/200")
    assert (response.status, "service nowhere@file does not exist" in response.text) == (503, True)
    assert "middleware lost-errors-down@file: its service 'nowhere@file' does not exist" in (
        rondpoint.process.log
    )
