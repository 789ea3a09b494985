"""The commands of docs/key-value-stores.md work as described."""

import sys
from pathlib import Path

from tests.lab.tutorial import Shell, steps
from tests.lab.zookeeper import PROGRAMS

PAGE = Path(__file__).parents[2] / "docs/key-value-stores.md"


def test_the_commands_of_the_tutorial_work_as_described(short_path: Path) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 25
    with Shell(short_path, [Path(sys.executable).parent, PROGRAMS]) as shell:
        for step in found:
            shell.run_step(step)
    assert not list(short_path.iterdir()), "the page leaves something behind"
