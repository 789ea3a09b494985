"""Runs a supervisor with test programs: `python -m tests.rondpoint.cli.supervised DIRECTORY SPECS`.

SPECS is a JSON list of objects with the fields of `ChildSpec`. The supervisor reaps all children of its
process, so it needs a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from rondpoint.cli.child import ChildSpec
from rondpoint.cli.readiness import ReadinessSocket
from rondpoint.cli.supervisor import Supervisor


def main(directory: Path, specs: list[dict[str, Any]]) -> int:
    children = [ChildSpec(**spec) for spec in specs]
    with ReadinessSocket(directory) as readiness_socket:
        supervisor = Supervisor(
            children,
            readiness_socket,
            os.environ,
            on_ready=lambda: _print("all ready"),
            report=lambda line: _print(f"supervisor: {line}"),
        )
        return supervisor.run()


def _print(line: str) -> None:
    # One unbuffered write: the children write to the same pipe.
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
