"""The systemd units in the documentation are valid."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from rondpoint.settings import load
from tests.lab.processes import installed

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
UNITS = sorted(EXAMPLES.glob("*.service"))
PROGRAM = "/opt/rondpoint/bin/rondpoint"


def test_all_units_are_checked() -> None:
    assert {unit.stem for unit in UNITS} == {"rondpoint", "rondpoint-agent", "rondpoint-proxy"}


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, installed("rondpoint")))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_commands_and_variables_of_the_units_are_valid(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text()
    started = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert started
    program, command, *flags = shlex.split(started[1])
    assert program == PROGRAM
    assert command in {"up", "agent", "proxy"}
    variables = dict(re.findall(r"^(?:# |Environment=)(RONDPOINT_\w+)=(.*)$", text, re.MULTILINE))
    assert load(flags, variables, tmp_path).warnings == ()
    assert (command == "up") != ("RONDPOINT_REDIS_URL" in variables)
