"""Turns the JSON of tasks into containers; a task whose JSON has not changed is not decoded again."""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b

from msgspec import MsgspecError, Struct, json

from discovery.decoding.names import normalise
from discovery.labels.container import Container
from discovery.providers.container_groups.group import ContainerGroup
from discovery.providers.mesos.tasks import PROVIDER, TaskFaultError, container_of, may_be_exposed
from discovery.providers.mesos.values import State, Task
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import MesosOptions

_DIGEST_SIZE = 16


class _ReadTask(Struct, frozen=True):
    """The result of one task: a container, a diagnostic, or nothing. `host` is the address of its agent."""

    application: str
    agent: str
    host: str
    container: Container | None = None
    diagnostic: Diagnostic | None = None


class _Name(Struct, frozen=True):
    id: str


_decoder = json.Decoder(Task)
_names = json.Decoder(_Name)


class TaskReader:
    """Decodes tasks, and keeps the results of the last reading for tasks with the same JSON."""

    def __init__(self, options: MesosOptions) -> None:
        self._options = options
        self._known: dict[bytes, _ReadTask] = {}

    def read(self, state: State) -> dict[str, ContainerGroup]:
        """Return the containers of each application, by its name. Raises msgspec.MsgspecError."""
        hosts = {agent.id: agent.host for agent in state.slaves}
        known: dict[bytes, _ReadTask] = {}
        for framework in state.frameworks:
            for text in framework.tasks:
                # The whole texts would take as much memory as the response.
                digest = blake2b(text, digest_size=_DIGEST_SIZE).digest()
                found = self._known.get(digest)
                if found is None or found.host != hosts.get(found.agent, ""):
                    found = self._decode(bytes(text), hosts)
                known[digest] = found
        self._known = known
        applications: defaultdict[str, list[_ReadTask]] = defaultdict(list)
        for each in known.values():
            if each.container is not None or each.diagnostic is not None:
                applications[each.application].append(each)
        return {name: _group(tasks) for name, tasks in applications.items()}

    def _decode(self, text: bytes, hosts: dict[str, str]) -> _ReadTask:
        try:
            task = _decoder.decode(text)
        except MsgspecError as error:
            own = _names.decode(text).id
            message = f"not routed: Mesos describes it in an unknown way: {error}"
            fault = Diagnostic(Severity.ERROR, PROVIDER, f"task {normalise(own)}", message)
            return _ReadTask(own, "", "", diagnostic=fault)
        host = hosts.get(task.slave_id, "")
        read = _ReadTask(task.application, task.slave_id, host)
        try:
            container = container_of(task, host, self._options)
        except TaskFaultError as error:
            if not may_be_exposed(task, self._options):
                return read
            subject = f"application {normalise(task.application)}"
            fault = Diagnostic(Severity.ERROR, PROVIDER, subject, f"a task is not routed: {error}")
            return _ReadTask(task.application, task.slave_id, host, diagnostic=fault)
        return _ReadTask(task.application, task.slave_id, host, container)


def _group(tasks: list[_ReadTask]) -> ContainerGroup:
    containers = sorted((each.container for each in tasks if each.container), key=lambda each: each.id)
    diagnostics = {each.diagnostic: None for each in tasks if each.diagnostic}
    return ContainerGroup(tuple(containers), tuple(diagnostics))
