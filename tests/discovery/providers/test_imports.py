"""Which libraries an agent loads at its start."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
import sys
from pathlib import Path
from discovery.process import command
from discovery.providers import configured_providers
from rondpoint.settings import load

configured_providers(load([sys.argv[1]], {}, Path(sys.argv[2])).settings)
print(*{"acme", "consul", "docker", "josepy"} & set(sys.modules))
"""


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--providers.file.directory=.", set()),
        ("--docker", {"docker"}),
        ("--consul.endpoint=127.0.0.1:1", {"consul"}),
    ],
)
def test_only_the_libraries_of_configured_providers_are_loaded(
    tmp_path: Path, flag: str, expected: set[str]
) -> None:
    command = [sys.executable, "-c", PROGRAM, flag, tmp_path]
    found = subprocess.run(command, capture_output=True, check=True, text=True)
    assert set(found.stdout.split()) == expected
