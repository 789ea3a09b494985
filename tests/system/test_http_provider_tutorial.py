"""The commands of docs/http-provider.md work as described."""

import sys
from pathlib import Path

from tests.lab.tutorial import Shell, steps

PAGE = Path(__file__).parents[2] / "docs/http-provider.md"


def test_the_commands_of_the_tutorial_work_as_described(short_path: Path) -> None:
    found = steps(PAGE.read_text())
    assert len(found) > 20
    with Shell(short_path, [Path(sys.executable).parent]) as shell:
        for step in found:
            shell.run_step(step)
    assert not list(short_path.iterdir()), "the page leaves something behind"
