"""Runs a real Consul agent on free ports; a test can kill, freeze and restart it."""

import json
import shutil
import subprocess
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

MASTER_TOKEN = "5a1b0c2e-0000-4000-8000-000000000001"
"""A token with all rights, if ACLs are on."""

_ROOT = Path(__file__).parents[2]


class Consul(Server):
    """A server agent; by default it keeps its data in memory, so it is empty after a restart."""

    name = "the Consul agent"

    def __init__(
        self,
        directory: Path,
        *,
        keep: bool = False,
        acl: bool = False,
        settings: Mapping[str, Any] | None = None,
        join: "Sequence[Consul]" = (),
        expect: int = 1,
        namespace: Path | None = None,
        address: str = "127.0.0.1",
        http: int | None = None,
    ) -> None:
        """Prepare the agent; `start` starts it.

        With `keep`, it keeps its data over a restart. With `acl`, only MASTER_TOKEN has rights. `settings`
        are added to its configuration file. It forms a cluster of `expect` servers with those in `join`. It
        listens on `address`, inside the network `namespace` if one is given.
        """
        super().__init__()
        self.namespace = namespace
        self.host = address
        self.http = http or free_port(namespace=namespace)
        self.ports = {name: free_port(namespace=namespace) for name in ("server", "serf_lan", "serf_wan")}
        self.token = MASTER_TOKEN if acl else ""
        self._directory = directory
        self._keep = keep
        self._settings = dict(settings or {})
        self._join = tuple(join)
        self._expect = expect

    @property
    def address(self) -> str:
        """The `host:port` of its HTTP API."""
        return f"{self.host}:{self.http}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self, *, wait: bool = True) -> None:
        """Start the agent and wait until it has a leader and its own entry in the catalogue."""
        if self._process is not None:
            raise LabError("the Consul agent is already running")
        file = self._directory / f"consul-{self.http}.json"
        file.write_text(json.dumps(self._configuration()))
        enter = ("nsenter", f"--net={self.namespace}") if self.namespace else ()
        mode = ["-data-dir", self._data, "-server"] if self._keep or self._expect > 1 else ["-dev"]
        if self._keep or self._expect > 1:
            mode += [f"-bootstrap-expect={self._expect}"]
        joins = [f"-retry-join=127.0.0.1:{each.ports['serf_lan']}" for each in self._join]
        self._process = Process(
            [
                program(),
                "agent",
                *mode,
                "-config-file",
                file,
                "-node",
                f"node-{self.http}",
                *joins,
                "-retry-interval=1s",
            ],
            name="consul",
            enter=enter,
        )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until it has a leader and its own entry in the catalogue."""
        if self.namespace:
            self.process.wait_for_line(r"Synced node info|Node info in sync", 60)
            return

        def ready() -> bool:
            try:
                response = self.request("GET", "/v1/catalog/service/consul")
            except requests.RequestException:
                return False
            # Policies can be created only a moment after there is a leader.
            can_create_policies = not self.token or self.request("GET", "/v1/acl/policies").ok
            return response.ok and bool(response.json()) and can_create_policies

        until(ready, "a Consul with a leader")

    def request(
        self, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> requests.Response:
        """Send an HTTP request to the agent; a body that is not bytes or text is sent as JSON."""
        data = body if isinstance(body, (bytes, str, type(None))) else json.dumps(body)
        headers = {"X-Consul-Token": self.token if token is None else token}
        return requests.request(method, f"{self.url}{path}", data=data, headers=headers, timeout=10)

    def put(self, path: str, body: Any = None) -> Any:
        """Send a PUT and return the response, decoded from JSON. Raises LabError if it fails."""
        response = self.request("PUT", path, body)
        if not response.ok:
            raise LabError(f"PUT {path}: {response.status_code} {response.text}")
        return response.json() if response.text else None

    def register(self, name: str, port: int, **more: Any) -> None:
        """Register a service with the agent; `more` has Consul's own names: `ID=`, `Tags=`, `Check=`."""
        self.put("/v1/agent/service/register", {"Name": name, "Port": port, **more})

    def deregister(self, service_id: str) -> None:
        self.put(f"/v1/agent/service/deregister/{service_id}")

    def make_token(self, rules: str) -> str:
        """Create a token with the rights of these rules, and return its secret."""
        name = f"policy-{abs(hash(rules))}"
        self.put("/v1/acl/policy", {"Name": name, "Rules": rules})
        return str(self.put("/v1/acl/token", {"Policies": [{"Name": name}]})["SecretID"])

    @property
    def _data(self) -> Path:
        return self._directory / f"data-{self.http}"

    def _configuration(self) -> dict[str, Any]:
        settings = dict(self._settings)
        more = settings.pop("ports", {})
        access = {"enabled": True, "default_policy": "deny", "tokens": {"master": MASTER_TOKEN}}
        return {
            "bind_addr": "127.0.0.1",
            "client_addr": self.host,
            "ports": {"http": self.http, "https": -1, "dns": -1, "grpc": -1, **self.ports, **more},
            "disable_update_check": True,
            "leave_on_terminate": False,
            # A cluster elects a leader in one or two seconds instead of ten.
            "performance": {"raft_multiplier": 1},
            # The first attempt may come before the other agent listens; the default interval is 30 s.
            "retry_interval": "500ms",
            **({"acl": access} if self.token else {}),
            **settings,
        }


@cache
def program() -> str:
    """Return the path of Consul: the machine's own, else the one that `.ci/parts test` unpacked."""
    if found := shutil.which("consul"):
        return found
    done = subprocess.run([_ROOT / ".ci/consul"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"consul is missing: {done.stderr.strip()}")
    return done.stdout.strip()
