"""Runs a Swarm of two engines: a manager and a worker, each in a network namespace of its own.

Addresses of overlay networks are reachable only from containers. Programs enter the network namespace of such
a container, a gateway, with its command prefix `enter`.
"""

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from docker.errors import APIError
from docker.types import EndpointSpec, ServiceMode, UpdateConfig

from tests.lab.engine import Engine
from tests.lab.errors import LabError
from tests.lab.image import BUSYBOX, NAMES, import_busybox, import_whoami
from tests.lab.waiting import until

NETWORK = "public"
"""The attachable overlay network of a new Swarm."""

_ADDRESSES = ("10.99.0.1", "10.99.0.2")
_LINK = "swarm0"


class Gateway:
    """A container in the overlay network, for programs that reach the tasks of services.

    It has the attributes of an engine that `start` of `tests.lab.installation` needs.
    """

    def __init__(self, swarm: "Swarm") -> None:
        self.container = swarm.client.containers.run(
            BUSYBOX, ["sleep", "1000000"], detach=True, network=NETWORK, name="gateway"
        )
        self.socket_url = swarm.manager.socket_url
        self._find_namespace()

    def start_again(self) -> None:
        """Start the container after its engine has ended it."""
        until(self._try_to_start, "the gateway in its overlay network")
        self._find_namespace()

    def _try_to_start(self) -> bool:
        try:
            self.container.start()
        except APIError:
            # The engine does not manage its Swarm again yet, so it does not know the network.
            return False
        return True

    def _find_namespace(self) -> None:
        self.container.reload()
        self.namespace = Path("/proc", str(self.container.attrs["State"]["Pid"]), "ns", "net")
        self.enter = ["nsenter", f"--net={self.namespace}"]


class Swarm:
    """Two engines in one Swarm, both with the image of `whoami`; entering `with` starts them."""

    def __init__(self) -> None:
        self.manager = Engine("swarm-manager")
        self.worker = Engine("swarm-worker")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Their containers go with them; a friendly end would wait for each task.
        for engine in (self.worker, self.manager):
            engine.kill()
        self._stack.close()

    def _start(self) -> None:
        engines = (self.manager, self.worker)
        starts = [threading.Thread(target=self._start_one, args=(engine,)) for engine in engines]
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        if not all(engine.namespace and engine.socket_url for engine in engines):
            raise LabError("an engine did not start")
        self._link(engines)
        self.client = self._stack.enter_context(closing(self.manager.client()))
        # The stubs of docker-py have no types for services.
        self._services: Any = self.client.services
        other = self._stack.enter_context(closing(self.worker.client()))
        import_busybox(self.client)
        name = import_whoami(self.client)
        # By its id, since engines ask a registry for other references first.
        self.image = str(self.client.images.get(name).id)
        for each in NAMES:
            other.images.load(b"".join(self.client.api.get_image(each)))
        self.client.swarm.init(advertise_addr=_ADDRESSES[0])
        self.client.swarm.reload()
        token = self.client.swarm.attrs["JoinTokens"]["Worker"]
        other.swarm.join([f"{_ADDRESSES[0]}:2377"], token, advertise_addr=_ADDRESSES[1])
        until(lambda: len(self.client.nodes.list()) == len(engines), "the worker in the Swarm")
        self.client.networks.create(NETWORK, driver="overlay", attachable=True)
        self.gateway = Gateway(self)

    def _start_one(self, engine: Engine) -> None:
        self._stack.enter_context(engine)

    def _link(self, engines: Sequence[Engine]) -> None:
        """Connect the namespaces of both engines by a pair of virtual interfaces."""
        names = [f"rl{number}-{os.getpid()}" for number in range(len(engines))]
        _run("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
        for engine, name, address in zip(engines, names, _ADDRESSES, strict=True):
            assert engine.namespace is not None
            _run("ip", "link", "set", name, "netns", engine.namespace.name, "name", _LINK)
            _run(*engine.enter, "ip", "address", "add", f"{address}/24", "dev", _LINK)
            _run(*engine.enter, "ip", "link", "set", _LINK, "up")

    def restart_manager(self) -> None:
        """Start the manager after `manager.kill`, and the gateway: the engine has ended its containers."""
        self.manager.restart()
        self.gateway.start_again()

    def create(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        *,
        replicas: int | None = 1,
        on: str = "",
        **options: Any,
    ) -> Any:
        """Create a service of the image in the overlay network; return at once.

        `replicas` is None for a global service. `on` is `manager` or `worker`, by default both.
        """
        return self._services.create(
            options.pop("image", self.image),
            name=name,
            labels=dict(labels or {}),
            mode=ServiceMode("global") if replicas is None else ServiceMode("replicated", replicas),
            networks=options.pop("networks", [NETWORK]),
            constraints=[f"node.role=={on}"] if on else [],
            stop_grace_period=options.pop("stop_grace_period", 5 * 10**9),
            **options,
        )

    def running(self, service: Any) -> list[str]:
        """Return the ids of the containers of the service's tasks that run and are to run."""
        return [
            task["Status"]["ContainerStatus"]["ContainerID"]
            for task in service.tasks({"desired-state": "running"})
            if task["Status"]["State"] == "running"
        ]

    def wait_for(self, service: Any, tasks: int = 1) -> set[str]:
        """Wait until this many tasks run and return the host names of their containers."""
        found = until(
            lambda: ids if len(ids := self.running(service)) == tasks else None, f"{tasks} running tasks"
        )
        return {each[:12] for each in found}

    def update(self, service: Any, order: Literal["start-first", "stop-first"], **options: Any) -> None:
        """Replace all tasks of the service, one after the other; return at once."""
        service.reload()
        service.update(
            update_config=UpdateConfig(parallelism=1, order=order, monitor=10**6),
            force_update=service.attrs["Spec"]["TaskTemplate"].get("ForceUpdate", 0) + 1,
            fetch_current_spec=True,
            **options,
        )

    def relabel(self, service: Any, labels: Mapping[str, str]) -> None:
        """Replace the labels of the service; its tasks stay."""
        service.reload()
        service.update(labels=dict(labels), fetch_current_spec=True)

    def update_state(self, service: Any) -> str:
        """Return the state of the last update: `updating`, `completed`."""
        service.reload()
        return str((service.attrs.get("UpdateStatus") or {}).get("State"))


DNSRR = EndpointSpec(mode="dnsrr")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{json.dumps(command)}: {done.stderr.strip()}")
