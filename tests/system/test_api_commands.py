"""The API requests in the README and the reference page work as described."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lab.installation import Installation, start
from tests.lab.processes import Processes

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page: str, heading: str) -> list[str]:
    """Return the curl commands below a heading of a page, each in one line."""
    text = (ROOT / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert text, heading
    lines = "\n".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def run(running: Installation, command: str) -> Any:
    adapted = re.sub(r"(127\.0\.0\.1|localhost):8080", f"127.0.0.1:{running.admin}", command)
    assert adapted != command
    # The documented time limit may be too short for a busy machine.
    adapted = adapted.replace("wait=5'", "wait=60'")
    done = subprocess.run(
        ["bash", "-c", adapted.replace("curl ", "curl --fail-with-body -sS ", 1)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("page", "heading"), [("README.md", "The API"), ("docs/reference/api.md", "Changes")]
)
def test_the_commands_work_as_described(processes: Processes, page: str, heading: str) -> None:
    running = start(processes, "--workers=1", "--providers.docker=false")
    running.wait_for_agent()
    found = commands(page, heading)
    assert len(found) >= 2
    assert any("wait=5'" in command for command in found)
    results = [run(running, command) for command in found]
    routers = [
        result for result in results if isinstance(result, dict) and result.get("name") == "shop@admin"
    ]
    assert len(routers) == 2
    assert routers[1]["inForce"] is True
    if page == "README.md":
        assert results[-1]["restored"] == 0
