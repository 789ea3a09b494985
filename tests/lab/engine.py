"""A real Docker engine in a network namespace of its own, so that it never touches the machine's networks.

The engine's socket is reachable from everywhere, container addresses only from inside the namespace: programs
go in with `enter`, this process's own sockets with `namespace`.
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

GIVEN = "RONDPOINT_TEST_DOCKER_HOST"
NETWORK_NAMESPACES = Path("/var/run/netns")
NAME = re.compile(r"rondpoint-lab-(\d+)[a-z-]*")


class Engine:
    """An engine: its own one, or the one named in the environment variable RONDPOINT_TEST_DOCKER_HOST.

    The addresses of a given engine's containers must be reachable from here.
    """

    def __init__(self, name: str = "", *, live_restore: bool = False) -> None:
        """Does not start it.

        With a `name`, of small letters, it is another engine beside the one without, and never a given one.
        With `live_restore` containers outlive it, and belong to it again when it comes back.
        """
        self.enter: list[str] = []
        self.namespace: Path | None = None
        self.socket_url = "" if name else os.environ.get(GIVEN, "")
        self._own = not self.socket_url
        self._name = f"rondpoint-lab-{os.getpid()}{name and '-'}{name}"
        self.live_restore = live_restore
        self._storage = "overlay2"
        self._process: Process | None = None

    def __enter__(self) -> Self:
        if self._own:
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._own:
            self._stop()

    @property
    def log(self) -> str:
        """What the engine has written; empty for a given one."""
        return self._process.log if self._process else ""

    def client(self) -> docker.DockerClient:
        """A client of its own."""
        return docker.DockerClient(base_url=self.socket_url, timeout=120)

    def kill(self) -> None:
        """Kills the engine as a crash would: its containers go on, with nobody to tell of them."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        """Ends the engine alone, by this signal; what becomes of its containers is its own affair."""
        if self._process is None:
            raise LabError("a given engine is not ours to end")
        self._process.signal(number)
        self._process.wait()
        # Its containerd ends with it, but may stay as a process that nobody has waited for, which the next
        # engine would take for one that runs.
        (_directory(self._name) / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def start_again(self) -> None:
        """Starts it again after `end`: containers that still run are ended, unless it restores them."""
        self._launch(self._storage, last=True)

    def _start(self) -> None:
        if os.geteuid() != 0:
            raise LabError(f"a Docker engine needs root: run as root, or name an engine in {GIVEN}")
        for program, package in {"dockerd": "docker.io", "ip": "iproute2", "nsenter": "util-linux"}.items():
            if not shutil.which(program):
                raise LabError(f"{program} is missing: apt-get install {package}")
        _sweep()
        self.namespace = NETWORK_NAMESPACES / self._name
        self.enter = ["nsenter", f"--net={self.namespace}"]
        try:
            _run("ip", "netns", "add", self._name)
            # Not `ip -n`: it mounts /sys anew on the way, which not every root file system allows.
            _run(*self.enter, "ip", "link", "set", "lo", "up")
            self._launch("overlay2") or self._launch("vfs", last=True)
            with closing(self.client()) as client:
                client.ping()
        except BaseException:
            # A time limit or Ctrl-C may end the wait; nothing may be left then either.
            self._stop()
            raise

    def _launch(self, storage: str, *, last: bool = False) -> bool:
        """Whether the engine came up with this storage driver; raises LabError for the `last` one."""
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
            # A file system that overlay cannot lie on (another overlay, say) is no fault of the machine's.
            if last or "graphdriver" not in self._process.log:
                raise
            self._process.kill()
            return False
        self._storage = storage
        return True

    def _firewall(self, programs: Path) -> list[str]:
        """What makes the engine use the iptables that this kernel serves: nft's, the legacy ones, or none."""
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


def _sweep() -> None:
    """Clears what runs that were killed have left."""
    for entry in list(NETWORK_NAMESPACES.glob("rondpoint-lab-*")):
        found = NAME.fullmatch(entry.name)
        if found and not Path("/proc", found[1]).exists():
            _clear(entry.name)


def _clear(name: str) -> None:
    """Ends every process that was started for this directory, takes its mounts off, and removes it."""
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
    # Found again by its name alone, by the run that sweeps after one that was killed.
    return Path(tempfile.gettempdir()) / name


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
