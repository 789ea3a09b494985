"""The README's commands work as described, and its lists of middlewares, commands and documents are right.

images/test_readme.py runs the commands below "With Docker", test_api_commands.py those below "The API".
Continuous integration runs `make test`, which cannot run inside itself.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from click import Context
from docker.errors import NotFound

import proxy.middlewares.chains  # noqa: F401 (registers all kinds)
from proxy.middlewares.step import KINDS
from rondpoint.cli.commands import commands
from rondpoint.demo.servers import NAMES
from tests.lab import official
from tests.lab.engine import Engine
from tests.lab.product import SOURCE
from tests.lab.readme import PAGE, blocks, section
from tests.lab.tutorial import Shell
from tests.lab.waiting import until

ELSEWHERE = {"With Docker", "The API"}
HERE = "Without images"

# The environment exists already; creating it again would disturb the running tests.
RUN = "unset MAKEFLAGS; make --assume-old=.venv/.stamp-run run >{log} 2>&1 &"


def test_every_block_of_commands_is_tested() -> None:
    assert set(blocks()) == {*ELSEWHERE, HERE}
    first, demo, container, last = blocks()[HERE]
    assert (first, last) == ("make run\n", "make test\n")
    assert "docker" in container
    assert "docker" not in demo


def test_make_run_serves_three_servers_without_an_engine(short_path: Path) -> None:
    _, demo, _, _ = blocks()[HERE]
    no_engine = {"DOCKER_HOST": f"unix://{short_path}/no.sock"}
    with Shell(SOURCE, [], environment=no_engine) as shell:
        shell.run(RUN.format(log=short_path / "log"))
        responses = [
            until(lambda: _response(shell, demo), "a demo server's response", timeout=60.0) for _ in range(9)
        ]
    assert {response.splitlines()[0] for response in responses} == {f"Name: {name}" for name in NAMES}


def _response(shell: Shell, commands: str) -> str:
    output = shell.run(commands.replace("curl ", "curl -sS --fail "))
    return "" if "curl:" in output else output


@pytest.fixture
def clean(docker_client: docker.DockerClient) -> Iterator[None]:
    """Removes the README's container if its commands did not."""
    yield
    with suppress(NotFound):
        docker_client.containers.get("whoami").remove(force=True)


@pytest.mark.usefixtures("clean")
def test_make_run_serves_containers_with_an_engine(
    short_path: Path, engine: Engine, docker_client: docker.DockerClient
) -> None:
    official.whoami(docker_client)
    start, request, stop = blocks()[HERE][2].splitlines()
    with Shell(SOURCE, [], enter=engine.enter, environment={"DOCKER_HOST": engine.socket_url}) as shell:
        shell.run(RUN.format(log=short_path / "log"))
        name = shell.run(start).strip()[:12]
        until(lambda: _response(shell, request).strip() == name, "the container's response", timeout=60.0)
        assert shell.run(stop) == "whoami\n"


def test_all_commands_are_listed() -> None:
    listed = re.findall(r"^\| `rondpoint (\w+)", section("Commands"), re.MULTILINE)
    assert sorted(listed) == sorted(commands.list_commands(Context(commands)))


def test_served_middlewares_are_listed() -> None:
    served = section("What works today")
    assert set(KINDS) <= set(re.findall(r"`(\w+)`", served))


def test_links_lead_to_files() -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE.read_text())
    assert len(targets) > 15
    assert [target for target in targets if not (SOURCE / target).is_file()] == []


def test_the_picture_loads_nothing_and_has_both_colour_schemes() -> None:
    text = (SOURCE / "docs/picture.svg").read_text()
    words = [each.text for each in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")]
    for word in ("entry point", "router", "middlewares", "service", "server", "agent", "store"):
        assert word in words
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r"(?:href|src)=|https?://(?!www\.w3\.org/2000/svg)", text) == []
