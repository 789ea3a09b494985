"""Runs a real Docker engine in its own network namespace, so it never touches the machine's networks.

The engine's socket is reachable from everywhere, container addresses only from inside the namespace. Programs
enter it with the command prefix `enter`; this process creates sockets in it with `namespace`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import docker
from docker.errors import DockerException

from tests.lab.errors import LabError
from tests.lab.processes import Process, command_line, kill_all

GIVEN_ENGINE = "RONDPOINT_TEST_DOCKER_HOST"
NETWORK_NAMESPACES = Path("/var/run/netns")
NAME = re.compile(r"rondpoint-lab-(\d+)[a-z-]*")


class Engine:
    """A new engine, or the existing one that the environment variable RONDPOINT_TEST_DOCKER_HOST names.

    The container addresses of an existing engine must be reachable from this process.
    """

    def __init__(self, name: str = "", *, live_restore: bool = False) -> None:
        """Prepare the engine; entering `with` starts it.

        A `name` in lower case makes it a further, always new engine. With `live_restore`, containers outlive
        the engine and belong to it again after a restart.
        """
        self.enter: list[str] = []
        self.namespace: Path | None = None
        self.socket_url = "" if name else os.environ.get(GIVEN_ENGINE, "")
        self._is_new = not self.socket_url
        self._name = f"rondpoint-lab-{os.getpid()}{name and '-'}{name}"
        self.live_restore = live_restore
        self._storage = "overlay2"
        self._process: Process | None = None

    def __enter__(self) -> Self:
        if self._is_new:
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_new:
            self._stop()

    @property
    def log(self) -> str:
        """The output of a new engine; empty for an existing one."""
        return self._process.log if self._process else ""

    def client(self) -> docker.DockerClient:
        """Return a new client."""
        return docker.DockerClient(base_url=self.socket_url, timeout=120)

    def kill(self) -> None:
        """Kill the engine as a crash would: its containers continue, but nothing reports their events."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        """Send this signal to the engine and wait for its end; the engine decides about its containers."""
        if self._process is None:
            raise LabError("an existing engine is not stopped by tests")
        self._process.signal(number)
        self._process.wait()
        # Its containerd ends with it, but may remain as a zombie process. The next engine would take that for
        # a running one.
        (_directory(self._name) / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def restart(self) -> None:
        """Start it again after `end`: it ends containers that still run, unless it restores them."""
        self._launch(self._storage, last=True)

    def _start(self) -> None:
        if os.geteuid() != 0:
            raise LabError(f"a Docker engine needs root: run as root, or name an engine in {GIVEN_ENGINE}")
        for program, package in {"dockerd": "docker.io", "ip": "iproute2", "nsenter": "util-linux"}.items():
            if not shutil.which(program):
                raise LabError(f"{program} is missing: apt-get install {package}")
        _clear_killed_runs()
        self.namespace = NETWORK_NAMESPACES / self._name
        self.enter = ["nsenter", f"--net={self.namespace}"]
        try:
            _run("ip", "netns", "add", self._name)
            # Not `ip -n`: it mounts /sys again, and not every root file system allows that.
            _run(*self.enter, "ip", "link", "set", "lo", "up")
            self._launch("overlay2") or self._launch("vfs", last=True)
            with closing(self.client()) as client:
                client.ping()
        except BaseException:
            # A time limit or Ctrl-C may end the wait; clean up in this case, too.
            self._stop()
            raise

    def _launch(self, storage: str, *, last: bool = False) -> bool:
        """Start the engine with this storage driver; return whether it works.

        Raises LabError for the `last` driver.
        """
        directory = _directory(self._name)
        (directory / "bin").mkdir(parents=True, exist_ok=True)
        # The machine's own daemon.json must not add to the flags.
        (directory / "daemon.json").write_text(json.dumps({"live-restore": self.live_restore}))
        socket = directory / "docker.sock"
        self.socket_url = f"unix://{socket}"
        self._process = Process(
            [
                "dockerd",
                *("--config-file", directory / "daemon.json", "--host", self.socket_url),
                *("--data-root", directory / storage, "--exec-root", directory / "exec"),
                *("--pidfile", directory / "docker.pid", "--storage-driver", storage),
                *("--shutdown-timeout", "1", *self._firewall(directory / "bin")),
            ],
            enter=self.enter,
            environment={"PATH": f"{directory / 'bin'}:{os.environ['PATH']}"},
        )
        try:
            self._process.wait_for_line("API listen on", timeout=120.0)
        except LabError:
            # Some file systems, such as overlay itself, do not support overlay2: try the next driver.
            if last or "graphdriver" not in self._process.log:
                raise
            self._process.kill()
            return False
        self._storage = storage
        return True

    def _firewall(self, programs: Path) -> list[str]:
        """Return the flags for the iptables that this kernel supports: nft's, the legacy ones, or none."""
        for variant in ("iptables", "iptables-legacy"):
            found = shutil.which(variant)
            if found and _succeeds(*self.enter, found, "-t", "nat", "-L", "-n"):
                if variant != "iptables":
                    with suppress(FileExistsError):
                        (programs / "iptables").symlink_to(found)
                return []
        return ["--iptables=false"]

    def _stop(self) -> None:
        if self._process is not None:
            with suppress(DockerException, OSError), closing(self.client()) as client:
                for container in client.containers.list(all=True, ignore_removed=True):
                    with suppress(DockerException):
                        container.remove(force=True, v=True)
            with suppress(LabError):
                self._process.stop(timeout=60.0)
        _clear(self._name)


def _clear_killed_runs() -> None:
    """Remove the engines of killed test runs."""
    for entry in list(NETWORK_NAMESPACES.glob("rondpoint-lab-*")):
        found = NAME.fullmatch(entry.name)
        if found and not Path("/proc", found[1]).exists():
            _clear(entry.name)


def _clear(name: str) -> None:
    """Kill every process that uses this directory, unmount its mounts, and remove it."""
    directory = _directory(name)
    # Shims outlive a killed engine; each has the path of its engine's socket on its command line.
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    kill_all([pid for pid in pids if f"{directory}/" in command_line(pid)], grace=0.0)
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if Path(mount).is_relative_to(directory):
            _succeeds("umount", "--lazy", mount)
    if (NETWORK_NAMESPACES / name).exists():
        _succeeds("ip", "netns", "delete", name)
    shutil.rmtree(directory, ignore_errors=True)


def _directory(name: str) -> Path:
    # A later run finds the directory of a killed run by its name.
    return Path(tempfile.gettempdir()) / name


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
