"""The commands of docs/swarm.md work as described."""

import sys
from pathlib import Path

from tests.lab.swarm import Swarm
from tests.lab.tutorial import Shell, steps

PAGE = Path(__file__).parents[3] / "docs/swarm.md"


def test_the_commands_of_the_tutorial_work_as_described(short_path: Path, swarm: Swarm) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 15
    environment = {"DOCKER_HOST": swarm.manager.socket_url}
    path = [Path(sys.executable).parent]
    with Shell(short_path, path, enter=swarm.manager.enter, environment=environment) as shell:
        for step in found:
            shell.run_step(step)
    assert not list(short_path.iterdir()), "the page leaves something behind"
