"""docs/consul.md does what it says."""

import sys
from pathlib import Path

from tests.lab.consul import program
from tests.lab.tutorial import Shell, steps

PAGE = Path(__file__).parents[2] / "docs/consul.md"


def test_the_tutorials_commands_do_what_it_says(short_path: Path) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 30
    with Shell(short_path, [Path(sys.executable).parent, Path(program()).parent]) as shell:
        for step in found:
            shell.follow(step)
