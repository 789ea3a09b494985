"""Builds Rondpoint's images from its Dockerfile on the lab's engine, without a registry."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import docker
from docker.errors import BuildError

from tests.lab.debian import file_system
from tests.lab.errors import LabError

SOURCE = Path(__file__).parents[2]
CACHE = SOURCE / ".cache" / "images"
BASE = "python:3.13-slim-bookworm"
"""The base image of the Dockerfile; in the lab it has Debian's own Python."""

PACKAGES = (
    "apt",
    "base-files",
    "base-passwd",
    "bash",
    "ca-certificates",
    "coreutils",
    "dash",
    "passwd",
    "python3-venv",
)
SOURCES = (
    ".dockerignore",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "discovery",
    "docker-compose.yml",
    "docs/examples",
    "proxy",
    "pyproject.toml",
    "requirements",
    "rondpoint",
)
TARGETS = {"rondpoint": "latest", "all-in-one": "all-in-one", "registrator": "registrator"}
"""The tags of images by their targets in the Dockerfile."""


def build(client: docker.DockerClient, clone: Path) -> dict[str, str]:
    """Build every target from a clone that `copy_sources` filled; return the image names by target.

    Raises LabError with the engine's output.
    """
    import_base(client)
    for target, tag in TARGETS.items():
        try:
            client.images.build(path=str(clone), target=target, tag=f"rondpoint:{tag}", rm=True, forcerm=True)
        except BuildError as error:
            output = "".join(str(line.get("stream", "")) for line in error.build_log)
            raise LabError(f"the image {target} cannot be built: {error}\n{output}") from error
    return {target: f"rondpoint:{tag}" for target, tag in TARGETS.items()}


def import_base(client: docker.DockerClient) -> None:
    """Import the base image under its official name."""
    with tempfile.TemporaryDirectory(prefix="rp-") as name:
        archive = Path(name) / "base.tar"
        file_system(PACKAGES, archive)
        repository, _, tag = BASE.partition(":")
        client.api.import_image_from_file(
            str(archive),
            repository=repository,
            tag=tag,
            changes=["ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        )


def copy_sources(clone: Path) -> None:
    """Copy the sources of a build, and the wheels that it would otherwise download."""
    for name in SOURCES:
        source = SOURCE / name
        if source.is_dir():
            shutil.copytree(source, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, clone / name)
    shutil.copytree(_wheels(), clone / "wheels")
    _pip("wheel", "--wheel-dir", str(clone / "wheels"), "--no-deps", "--no-build-isolation", str(SOURCE))


def _wheels() -> Path:
    """Build the locked dependencies as wheels, and keep them for the next run."""
    locked = SOURCE / "requirements" / "run.txt"
    wheels = CACHE / f"wheels-{hashlib.sha256(locked.read_bytes()).hexdigest()[:16]}"
    if not wheels.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as name:
            unfinished = Path(name) / "wheels"
            _pip(
                "wheel", "--wheel-dir", str(unfinished), "--require-hashes", "--no-build-isolation",
                "--requirement", str(locked),
            )  # fmt: skip
            unfinished.rename(wheels)
    return wheels


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"pip {arguments[0]} failed: {done.stderr}")
