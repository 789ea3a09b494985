"""What requests have in common beyond their router, method and status, as one small number each.

A connection has its lane from its entry point and its TLS; a request that is not a plain one of its
connection, by its kind, is counted in another lane.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from proxy.http1.protocols import STOPPED
from rondpoint.store.metrics import Protocol

PROTOCOLS: tuple[Protocol, ...] = ("http", "websocket", "sse", "grpc", "grpc-web")
"""By the lowest bits of a kind, as `proxy.http1.protocols` numbers them."""

LABELLED = 16
"""Times which the number of the labels' values is added to a kind."""

MOST_LABELS = 1000
"""Sets of labels' values that are told apart; clients choose them, so there must be an end to it."""

OTHER = "other"
"""Stands for every further value."""


class LabelSet(Struct, frozen=True):
    """`tls` is version and cipher, empty without; `labels` are values of headers that are told apart.

    What is not `metered` is counted for ourselves alone, and `/metrics` says nothing of it.
    """

    entry_point: str
    tls: str = ""
    protocol: Protocol = "http"
    stopped: bool = False
    labels: tuple[str, ...] = ()
    metered: bool = True


class LabelSets:
    """Every lane by its number, in order of their first use."""

    def __init__(self) -> None:
        self.all: list[LabelSet] = []
        self._numbers: dict[LabelSet, int] = {}
        self._of_kind: dict[tuple[int, int], int] = {}
        self._labels: list[tuple[str, ...]] = [()]
        self._label_numbers: dict[tuple[str, ...], int] = {}

    def number(self, entry_point: str, tls: str = "", *, metered: bool = True) -> int:
        """The lane of plain requests on a connection of this kind."""
        return self._number(LabelSet(entry_point, tls, metered=metered))

    def metered(self, label_set: int, metered: bool) -> int:
        """The lane of requests that are alike, but are told of or not as is said here."""
        known = self.all[label_set]
        return label_set if known.metered is metered else self._number(replace(known, metered=metered))

    def of_kind(self, label_set: int, kind: int) -> int:
        """The lane of requests of this kind on connections of that lane."""
        number = self._of_kind.get((label_set, kind))
        if number is None:
            plain = self.all[label_set]
            number = self._of_kind[label_set, kind] = self._number(
                LabelSet(
                    plain.entry_point,
                    plain.tls,
                    PROTOCOLS[kind % STOPPED],
                    bool(kind & STOPPED),
                    self._labels[kind // LABELLED],
                    plain.metered,
                )
            )
        return number

    def labelled(self, kind: int, values: tuple[str, ...]) -> int:
        """The kind of requests that bear these labels besides."""
        number = self._label_numbers.get(values)
        if number is None:
            others = (OTHER,) * len(values)
            # All of them: one that says so itself may stand beside any number of others.
            if len(self._labels) > MOST_LABELS and values != others:
                return self.labelled(kind, others)
            number = self._label_numbers[values] = len(self._labels)
            self._labels.append(values)
        return kind + LABELLED * number

    def _number(self, label_set: LabelSet) -> int:
        number = self._numbers.get(label_set)
        if number is None:
            number = self._numbers[label_set] = len(self.all)
            self.all.append(label_set)
        return number
