"""Numbers the label sets of requests: all metric labels other than router, method and status.

Entry point and TLS give a connection the number of its plain requests. A request of another kind (protocol,
stopped by a middleware, header labels) is counted under another number.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from proxy.http1.grpc_status import NO_GRPC_STATUS
from proxy.http1.protocols import STOPPED
from rondpoint.store.metrics import Protocol

PROTOCOLS: tuple[Protocol, ...] = ("http", "websocket", "sse", "grpc", "grpc-web")
"""Protocols by the lowest bits of a kind, as `proxy.http1.protocols` numbers them."""

LABELS_FACTOR = 16
"""Factor of the number of a set of header label values within a kind."""

MAX_LABELS = 1000
"""Largest number of sets of header label values: clients choose the values, so it must be limited."""

OTHER = "other"
"""The value of every label beyond the limits."""


class LabelSet(Struct, frozen=True):
    """Labels that many requests share.

    `tls` is TLS version and cipher, empty without TLS; `labels` are the values of the header labels.
    `grpc_status` is that of the response, if it has one.
    Requests that are not `metered` are counted for the dashboard only; `/metrics` leaves them out.
    """

    entry_point: str
    tls: str = ""
    protocol: Protocol = "http"
    stopped: bool = False
    labels: tuple[str, ...] = ()
    metered: bool = True
    grpc_status: int = NO_GRPC_STATUS


class LabelSets:
    """All label sets in use, numbered in order of their first use."""

    def __init__(self) -> None:
        self.all: list[LabelSet] = []
        self._numbers: dict[LabelSet, int] = {}
        self._for_kind: dict[tuple[int, int, int], int] = {}
        self._labels: list[tuple[str, ...]] = [()]
        self._label_numbers: dict[tuple[str, ...], int] = {}

    def number(self, entry_point: str, tls: str = "", *, metered: bool = True) -> int:
        """Return the number for plain requests on connections of this entry point and TLS."""
        return self._number(LabelSet(entry_point, tls, metered=metered))

    def with_metered(self, label_set: int, metered: bool) -> int:
        """Return the number of the same label set with `metered` set to this value."""
        known = self.all[label_set]
        return label_set if known.metered is metered else self._number(replace(known, metered=metered))

    def for_kind(self, label_set: int, kind: int, grpc_status: int = NO_GRPC_STATUS) -> int:
        """Return the number for requests of `kind` on connections with this label set.

        `grpc_status` is that of the response, if it has one.
        """
        number = self._for_kind.get((label_set, kind, grpc_status))
        if number is None:
            plain = self.all[label_set]
            number = self._for_kind[label_set, kind, grpc_status] = self._number(
                LabelSet(
                    plain.entry_point,
                    plain.tls,
                    PROTOCOLS[kind % STOPPED],
                    bool(kind & STOPPED),
                    self._labels[kind // LABELS_FACTOR],
                    plain.metered,
                    grpc_status,
                )
            )
        return number

    def labelled_kind(self, kind: int, values: tuple[str, ...]) -> int:
        """Return `kind` combined with these header label values."""
        number = self._label_numbers.get(values)
        if number is None:
            others = (OTHER,) * len(values)
            # Replace all values: a client may itself send `other` with any number of other values.
            if len(self._labels) > MAX_LABELS and values != others:
                return self.labelled_kind(kind, others)
            number = self._label_numbers[values] = len(self._labels)
            self._labels.append(values)
        return kind + LABELS_FACTOR * number

    def _number(self, label_set: LabelSet) -> int:
        number = self._numbers.get(label_set)
        if number is None:
            number = self._numbers[label_set] = len(self.all)
            self.all.append(label_set)
        return number
