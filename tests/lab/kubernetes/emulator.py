"""Runs kmock's imitation of the Kubernetes API on a real socket."""

import asyncio
import threading

import kmock
import requests

from tests.lab.background import Background
from tests.lab.kubernetes.manifests import Manifest


class Emulator(Background):
    """Serves inside `with`; knows the resources with which it was made, and no others."""

    def __init__(self, *resources: str) -> None:
        """Prepare a server that knows these resources, such as `networking.k8s.io/v1/ingresses`."""
        super().__init__("kmock")
        self.url = ""
        self._resources = resources
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()

    def __enter__(self) -> "Emulator":
        super().__enter__()
        assert self._ready.wait(30), "kmock did not start"
        return self

    def run(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with kmock.KubernetesEmulator() as emulator, kmock.Server(emulator) as server:
            for each in self._resources:
                emulator.resources[each].namespaced = True
            self.url = str(server.url).rstrip("/")
            self._ready.set()
            await self._stopping.wait()

    def create(self, plural: str, given: Manifest) -> None:
        """Create an object, of the resource that this path names: `networking.k8s.io/v1/ingresses`."""
        requests.post(self._collection(plural, given), json=given, timeout=10).raise_for_status()

    def patch(self, plural: str, given: Manifest) -> None:
        """Merge fields into an object."""
        target = f"{self._collection(plural, given)}/{given['metadata']['name']}"
        requests.patch(target, json=given, timeout=10).raise_for_status()

    def delete(self, plural: str, given: Manifest) -> None:
        target = f"{self._collection(plural, given)}/{given['metadata']['name']}"
        requests.delete(target, timeout=10).raise_for_status()

    def _collection(self, plural: str, given: Manifest) -> str:
        group, _, name = plural.rpartition("/")
        base = f"{self.url}/{'api' if group == 'v1' else 'apis'}/{group}"
        namespace = given["metadata"].get("namespace")
        return f"{base}/namespaces/{namespace}/{name}" if namespace else f"{base}/{name}"
