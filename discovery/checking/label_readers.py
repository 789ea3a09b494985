"""How the agents in question read labels, each by its own options and constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from discovery.checking.compose import ComposeService
from discovery.decoding.decoded import Decoded
from discovery.labels import constraints
from discovery.labels.constraints import Constraint, ConstraintError
from discovery.labels.options import LabelOptions, engine_label_options
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import EngineOptions


class LabelReader(NamedTuple):
    """The provider of one agent, as far as labels are concerned."""

    options: LabelOptions
    constraint: Constraint


class LabelReaders:
    """The providers of one kind in all agents.

    `subjects` has the options of each, with the subject of diagnostics about its constraints. Constraints
    that cannot be read match everything.
    """

    def __init__(self, provider: str, subjects: Mapping[EngineOptions, str]) -> None:
        self._provider = provider
        self._readers: list[LabelReader] = []
        self._faults: list[Diagnostic] = []
        for options, subject in subjects.items():
            constraint = self._parse(options.constraints, subject)
            self._readers.append(LabelReader(engine_label_options(options), constraint))

    def __bool__(self) -> bool:
        return bool(self._readers)

    def faults(self) -> Iterator[Decoded]:
        """Yield a diagnostic for each of the constraints that cannot be read."""
        for fault in self._faults:
            yield Decoded(fault.subject, diagnostics=(fault,))

    def decode(
        self, service: ComposeService, decode: Callable[[ComposeService, LabelReader], Decoded]
    ) -> Decoded:
        """Decode a service with each reader; return the first result that routes something, or the first."""
        found = [decode(service, reader) for reader in self._readers]
        return next((each for each in found if _routes(each)), found[0])

    def _parse(self, text: str, subject: str) -> Constraint:
        try:
            return constraints.parse(text)
        except ConstraintError as error:
            message = f"{text!r} cannot be read: {error}"
            self._faults.append(Diagnostic(Severity.ERROR, self._provider, subject, message))
            return constraints.everything


def _routes(decoded: Decoded) -> bool:
    """Check whether a container defines any route."""
    http = decoded.routers or decoded.services
    return bool(
        http or decoded.tcp_routers or decoded.tcp_services or decoded.udp_routers or decoded.udp_services
    )
