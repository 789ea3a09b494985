"""Runs the real docker-compose on an engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.lab.errors import LabError


class Compose:
    """A compose project: the compose file in `directory`, on the engine at `docker_host`.

    Call `down` at the end: containers and networks outlive this object.
    """

    def __init__(self, directory: Path, docker_host: str, *, project: str | None = None) -> None:
        """`project` is the prefix of container names; by default the name of the directory."""
        self.directory = directory
        self.project = project or re.sub(r"[^a-z0-9]", "", directory.name.lower())
        self._environment = {
            **os.environ,
            "DOCKER_HOST": docker_host,
            "COMPOSE_PROJECT_NAME": self.project,
            "PWD": str(directory),
        }

    def up(self, *, scale: dict[str, int] | None = None) -> None:
        """Start or update the project; `scale` has the number of containers by service."""
        scaling = [f"--scale={service}={count}" for service, count in (scale or {}).items()]
        self.run("up", "--detach", "--no-color", *scaling)

    def down(self) -> None:
        """Remove the project's containers and networks."""
        self.run("down", "--timeout", "1", "--volumes", "--remove-orphans")

    def run(self, *arguments: str, timeout: float = 240.0) -> str:
        """Run any other command and return its output. Raises LabError, with the output, if it fails."""
        program = shutil.which("docker-compose")
        if not program:
            raise LabError("docker-compose is missing: apt-get install docker-compose")
        done = subprocess.run(
            [program, *arguments],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise LabError(
                f"docker-compose {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
            )
        return done.stdout
