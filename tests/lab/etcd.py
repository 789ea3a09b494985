"""Runs a real etcd on free ports; a test can kill, freeze and restart it."""

import base64
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import requests

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server
from tests.lab.waiting import until


class Etcd(Server):
    """A cluster of one member, or one member of several; it keeps its data over a restart with `keep`."""

    name = "etcd"

    def __init__(
        self,
        directory: Path,
        *,
        keep: bool = True,
        tls: Mapping[str, Path] | None = None,
        cluster: "Sequence[Etcd]" = (),
    ) -> None:
        """Prepare the member; `start` starts it.

        `tls` has the files `cert` and `key`, and `ca` if clients must have a certificate. `cluster` are the
        other members.
        """
        super().__init__()
        self.client, self.peer = free_port(), free_port()
        self.token = ""
        self._directory = directory
        self._keep = keep
        self._tls = dict(tls or {})
        self.members: list[Etcd] = [*cluster, self]

    @property
    def address(self) -> str:
        """The `host:port` for clients."""
        return f"127.0.0.1:{self.client}"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.address}"

    def start(self, *, wait: bool = True) -> None:
        """Start the member and wait until it serves."""
        if self._process is not None:
            raise LabError("etcd is already running")
        data = self._directory / f"etcd-{self.client}"
        if not self._keep:
            shutil.rmtree(data, ignore_errors=True)
        peer = f"http://127.0.0.1:{self.peer}"
        tls = {
            "cert": ["--cert-file", self._tls.get("cert", "")],
            "key": ["--key-file", self._tls.get("key", "")],
            "ca": ["--trusted-ca-file", self._tls.get("ca", ""), "--client-cert-auth"],
        }
        self._process = Process(
            [
                program(),
                *("--name", str(self.peer), "--data-dir", data, "--logger", "zap"),
                *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                "--initial-cluster",
                ",".join(f"{each.peer}=http://127.0.0.1:{each.peer}" for each in self.members),
                *("--heartbeat-interval", "50", "--election-timeout", "500"),
                *(option for name in self._tls for option in tls[name]),
            ],
            name="etcd",
        )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until it accepts, and has a leader unless its users or TLS keep this test out."""
        self.process.wait_for_port(self.client)
        if not self._tls:
            until(lambda: self.request("/maintenance/status").get("leader"), "an etcd with a leader")

    def request(self, path: str, body: Any = None) -> dict[str, Any]:
        """Send a request to the HTTP gateway, and return the response."""
        headers = {"Authorization": self.token} if self.token else {}
        response = requests.post(f"{self.url}/v3{path}", json=body or {}, headers=headers, timeout=10)
        found: dict[str, Any] = response.json()
        return found

    def write(self, keys: Mapping[str, str | bytes | None]) -> None:
        """Write keys in one transaction; None deletes a key. Raises LabError if etcd refuses."""
        operations = [
            {"request_delete_range": {"key": _encode(key)}}
            if value is None
            else {"request_put": {"key": _encode(key), "value": _encode(value)}}
            for key, value in keys.items()
        ]
        for start in range(0, len(operations), 100):
            done = self.request("/kv/txn", {"success": operations[start : start + 100]})
            if "error" in done:
                raise LabError(done["error"])

    def delete_below(self, prefix: str) -> None:
        """Delete all keys that start with `prefix`."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        self.request("/kv/deleterange", {"key": _encode(prefix), "range_end": _encode(end)})

    def compact(self) -> None:
        """Forget all revisions but the last one."""
        revision = self.request("/kv/range", {"key": _encode("x")})["header"]["revision"]
        self.request("/kv/compaction", {"revision": revision, "physical": True})

    def add_user(self, name: str, password: str, prefix: str = "") -> None:
        """Add a user who may read below `prefix`; without one, the user gets the role root."""
        role = name if prefix else "root"
        self.request("/auth/role/add", {"name": role})
        if prefix:
            end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
            permission = {"permType": "READ", "key": _encode(prefix), "range_end": _encode(end)}
            self.request("/auth/role/grant", {"name": role, "perm": permission})
        self.request("/auth/user/add", {"name": name, "password": password})
        self.request("/auth/user/grant", {"user": name, "role": role})

    def enable_users(self, name: str, password: str) -> None:
        """Require users from now on, and log in as this one, who has the role root."""
        self.request("/auth/enable")
        self.log_in(name, password)

    def end_tokens(self, name: str, password: str) -> None:
        """End the tokens of all users, and log in as this one again."""
        self.request("/auth/disable")
        self.token = ""
        self.enable_users(name, password)

    def log_in(self, name: str, password: str) -> None:
        """Log in; a restart ends all tokens."""
        self.token = ""
        self.token = self.request("/auth/authenticate", {"name": name, "password": password})["token"]


def _encode(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@cache
def program() -> str:
    """Return the path of etcd."""
    found = shutil.which("etcd")
    if found is None:
        raise LabError("etcd is missing: install etcd-server")
    return found
