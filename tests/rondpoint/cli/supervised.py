"""A supervisor over stand-in children: `python -m tests.rondpoint.cli.supervised DIRECTORY SPECS`.

SPECS is a JSON list of objects with the fields of `Spec`; the supervisor waits for all of its process's
children, so it needs a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from rondpoint.cli.child import Spec
from rondpoint.cli.readiness import Announcements
from rondpoint.cli.supervisor import Supervisor


def main(directory: Path, specs: list[dict[str, object]]) -> int:
    children = [
        Spec(**{**spec, "argv": tuple(spec["argv"]), "final": frozenset(spec.get("final", ()))})  # type: ignore[arg-type]
        for spec in specs
    ]
    with Announcements(directory) as announcements:
        supervisor = Supervisor(
            children,
            announcements,
            os.environ,
            on_ready=lambda: _say("all ready"),
            say=lambda line: _say(f"supervisor: {line}"),
        )
        return supervisor.run()


def _say(line: str) -> None:
    # At once: its children write to the same pipe.
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
