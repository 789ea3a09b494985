"""The Mesos provider: subscribes to the leading master's events, and reads its state after each of them."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing

from discovery import labels
from discovery.connections.outages import RETENTION
from discovery.connections.stopping import on_stop
from discovery.decoding.decoded import Decoded
from discovery.http_client.errors import HttpError
from discovery.http_client.event_stream import EventStream
from discovery.labels.constraints import Constraint, everything
from discovery.labels.container import Container
from discovery.labels.options import LabelOptions
from discovery.providers.constraints import parse_constraints
from discovery.providers.container_groups.group import ContainerGroup
from discovery.providers.container_groups.inventory import Inventory
from discovery.providers.contract import Emit
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.errors import ProviderError
from discovery.providers.mesos.client import MesosClient, NoStreamError
from discovery.providers.mesos.endpoint import Election, parse_endpoint
from discovery.providers.mesos.task_reader import TaskReader
from discovery.providers.mesos.tasks import PROVIDER
from discovery.providers.mesos.values import State
from discovery.providers.reconnection import follow_with_reconnection
from rondpoint.settings import MesosOptions

logger = logging.getLogger(__name__)


class MesosProvider:
    """A provider that emits whenever tasks changed.

    Mesos sends no event if only the health of a task changed, so its state is read at intervals as well.
    """

    name = PROVIDER

    def __init__(self, options: MesosOptions) -> None:
        self._options = options
        self._inventory = Inventory(self._decode, self.name)
        self._reader = TaskReader(options)
        self._constraint: Constraint = everything
        self._master_id = ""
        self._label_options = LabelOptions(
            options.default_rule, exposed_by_default=options.exposed_by_default
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the tasks until `stop`. Raises ProviderError if no leading master can be read."""
        self._constraint = parse_constraints(self._options.constraints, "providers.mesos")
        try:
            endpoint = parse_endpoint(self._options.endpoint, tls=self._options.tls is not None)
            if isinstance(endpoint, Election):
                self._follow_election(endpoint, emit, stop)
                return
        except ValueError as error:
            raise ProviderError(str(error)) from error
        EndpointRotation(self.name, lambda: endpoint).follow(lambda url: self._follow(url, emit, stop), stop)

    def _follow_election(self, election: Election, emit: Emit, stop: threading.Event) -> None:
        # Only this kind of endpoint needs the client for ZooKeeper.
        from discovery.providers.mesos.election import MasterElection  # noqa: PLC0415

        scheme = "http" if self._options.tls is None else "https"
        with MasterElection(election, scheme) as masters, on_stop(stop, masters.close):
            while (master := masters.leading(self._options.zk_detection_timeout or None)) is not None:
                logger.info("provider mesos: %s is the leading master", master.url)
                self._follow(master.url, emit, master.over)

    def _follow(self, url: str, emit: Emit, over: threading.Event) -> None:
        """Follow the tasks until `over`. Raises ProviderError."""

        def follow() -> None:
            with closing(self._client(url)) as client, on_stop(over, client.abort):
                self._follow_changes(client, url, emit, over)

        follow_with_reconnection(self.name, follow, over)

    def _client(self, url: str) -> MesosClient:
        return MesosClient(url, self._options.tls, self._options.state_timeout_second)

    def _follow_changes(self, client: MesosClient, url: str, emit: Emit, over: threading.Event) -> None:
        if not self._options.watch:
            self._read(client, emit, first=True)
            over.wait()
            return
        try:
            self._follow_events(client, url, emit, over)
        except NoStreamError as error:
            seconds = self._options.refresh_seconds
            logger.info("provider mesos: %s; reading its state every %d s", error.message, seconds)
            self._poll(client, emit, over)

    def _follow_events(self, client: MesosClient, url: str, emit: Emit, over: threading.Event) -> None:
        streaming = self._client(url)
        with EventStream("Mesos", streaming, streaming.events) as stream, on_stop(over, streaming.abort):
            # The state is read after the first event, so no later event is missed.
            if not stream.take(self._options.state_timeout_second):
                raise HttpError(f"the Mesos master at {url} sends no first event")
            self._read(client, emit, first=True)
            seconds = 0.0
            while not over.is_set():
                # Readings pause as long as they last, so tasks in constant motion cost half a core at most.
                over.wait(seconds)
                stream.take(self._seconds_to_reading())
                if not over.is_set():
                    seconds = self._read(client, emit)

    def _poll(self, client: MesosClient, emit: Emit, over: threading.Event) -> None:
        self._read(client, emit, first=True)
        while not over.wait(self._seconds_to_reading()):
            self._read(client, emit)

    def _read(self, client: MesosClient, emit: Emit, *, first: bool = False) -> float:
        """Read all tasks and emit if they changed; return the seconds that it took. Raises HttpError."""
        started = time.monotonic()
        master, applications = client.state(self._decode_state)
        # A new leading master knows a task only after the task's agent has registered with it.
        is_new = first or master != self._master_id
        self._master_id = master
        if self._inventory.replace(applications, keep_until=started + RETENTION if is_new else None) or first:
            emit(self._inventory.configuration())
        return time.monotonic() - started

    def _decode_state(self, state: State) -> tuple[str, dict[str, ContainerGroup]]:
        return state.id, self._reader.read(state)

    def _seconds_to_reading(self) -> float:
        """Return the seconds until the state must be read without an event."""
        interval = float(self._options.refresh_seconds)
        expiry = self._inventory.next_expiry
        return interval if expiry is None else max(0.0, min(interval, expiry - time.monotonic()))

    def _decode(self, container: Container) -> Decoded:
        return labels.decode(container, self._label_options, self._constraint)
