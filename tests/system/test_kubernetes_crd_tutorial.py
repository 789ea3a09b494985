"""The manifests and requests of docs/kubernetes-crd.md work as described.

The test plays kubectl, and the controller that writes the endpoint slices of services.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.lab.installation import Installation, start
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.custom_resources import install
from tests.lab.kubernetes.manifests import Manifest, endpoint, endpoint_slice
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.processes import Processes
from tests.lab.tutorial import Command, File, Shell, steps

PAGE = Path(__file__).parents[2] / "docs/kubernetes-crd.md"
APPLY = "kubectl apply -f "


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        install(server)
        yield server


@pytest.fixture
def installation(api: ApiServer) -> Iterator[Installation]:
    processes = Processes()
    yield start(processes, "--workers=1", f"--providers.kubernetesCRD.endpoint={api.url}")
    processes.stop()


def respond(name: str, connection: Connection) -> None:
    while (request := connection.read()) is not None:
        connection.send(http_response(f"{name} got {request.target}\n".encode()))


def test_the_page_works_as_described(api: ApiServer, installation: Installation, short_path: Path) -> None:
    commands = [step for step in steps(PAGE.read_text()) if isinstance(step, Command)]
    files = {step.name: step.text for step in steps(PAGE.read_text()) if isinstance(step, File)}
    assert len(commands) > 8
    with ExitStack() as stack:
        pods: dict[str, Origin] = {}
        shell = stack.enter_context(Shell(short_path, [], enter=()))

        def apply(manifest: Manifest) -> None:
            api.apply(manifest)
            name = manifest["metadata"]["name"]
            if manifest["kind"] == "Service" and name not in pods:
                pods[name] = stack.enter_context(Origin(partial(respond, name)))
                api.apply(endpoint_slice(name, [endpoint("127.0.0.1")], ports=(("web", pods[name].port),)))

        for command in commands:
            if command.text.startswith(APPLY):
                for manifest in yaml.safe_load_all(files.pop(command.text.removeprefix(APPLY))):
                    apply(manifest)
            else:
                text = command.text.replace("127.0.0.1:8000", f"127.0.0.1:{installation.web}")
                shell.run_step(Command(text, command.output))
        routers = installation.api("/api/http/routers?search=default-whoami")
    assert not files, "manifests that no command applies"
    assert any(router["name"] in PAGE.read_text() for router in routers)
