"""The reference page of Redis keys agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rondpoint.diagnostics import Diagnostic
from rondpoint.model import (
    FailoverErrors,
    Member,
    Middleware,
    Mirror,
    Mirroring,
    PassiveHealthCheck,
    Router,
    Server,
    Service,
)
from rondpoint.reference_pages import fill_blocks
from rondpoint.store import acme, connection_metrics, ejections, metrics, server_metrics
from rondpoint.store.admin import document, history, proposals
from rondpoint.store.agents import AgentStatus
from rondpoint.store.change import Change
from rondpoint.store.keys import Keys, PublishedKeys
from rondpoint.store.reference import blocks
from rondpoint.store.rights import KEY_USES, PUBLISHED, drop_covered_patterns
from rondpoint.store.workers import WorkerStatus
from rondpoint.tcp.model import TcpHealthCheck, TcpRouter, TcpServer, TcpServersTransport, TcpService
from rondpoint.tls.model import Certificate, TlsDomain, TlsOptions
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "redis.md"

VALUES: dict[str, tuple[Any, ...]] = {
    "Change": (Change,),
    "Router": (Router,),
    "Service": (Service, Server, Member, FailoverErrors, Mirroring, Mirror, PassiveHealthCheck),
    "Middleware": (Middleware,),
    "TlsOptions": (TlsOptions,),
    "Certificate": (Certificate,),
    "TcpRouter": (TcpRouter,),
    "TcpService": (TcpService, TcpServer, TcpHealthCheck, TcpServersTransport),
    "UdpRouter": (UdpRouter,),
    "UdpService": (UdpService, UdpServer),
    "AcmeAccount": (acme.AcmeAccount,),
    "AcmeCertificate": (acme.AcmeCertificate, TlsDomain),
    "AcmeOrder": (acme.AcmeOrder,),
    "AcmeState": (acme.AcmeState,),
    "Diagnostic": (Diagnostic,),
    "AgentStatus": (AgentStatus,),
    "Ejection": (ejections.Ejection,),
    "EjectionNotice": (ejections.EjectionNotice,),
    "WorkerStatus": (WorkerStatus,),
    "Counts": (metrics.Counts,),
    "ServerCounts": (server_metrics.ServerCounts,),
    "ConnectionCounts": (connection_metrics.ConnectionCounts,),
    "WorkerCounts": (metrics.WorkerCounts,),
    "StoredObject": (document.StoredObject,),
    "HistoryEntry": (history.HistoryEntry, history.Author),
    "Proposal": (proposals.Proposal,),
    "ProposalResult": (proposals.ProposalResult, proposals.FieldDiagnostic),
}


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == fill_blocks(page, blocks()), "run: make reference"


def test_every_key_is_listed_once() -> None:
    known = [
        name
        for name in vars(PublishedKeys) | vars(Keys)
        if not name.startswith("_") and name != "contribution"
    ]
    assert sorted(use.name for use in KEY_USES) == sorted(known)
    assert set(PUBLISHED) <= set(known)


def test_every_key_has_a_type_and_contents() -> None:
    assert {use.kind for use in KEY_USES} == {"string", "hash", "set", "list", "channel"}
    assert [use.name for use in KEY_USES if not use.contents] == []


def test_a_key_pattern_that_another_pattern_covers_is_left_out() -> None:
    given = ("{r:n}:tickets", "{r:n}:metrics:*", "{r:n}:metrics:*:servers", "{r:n}:admin:result:*")
    assert drop_covered_patterns(given) == (given[0], given[1], given[3])


def section(heading: str) -> str:
    found = re.search(rf"^### {heading}\n(.*?)(?=^###? |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_every_value_that_a_key_holds_is_described() -> None:
    linked = set(re.findall(r"JSON (?:array of )?\[(\w+)\]", blocks()["keys"]))
    assert linked <= VALUES.keys()
    assert all(section(heading) for heading in VALUES)


@pytest.mark.parametrize(("heading", "types"), VALUES.items(), ids=VALUES)
def test_a_value_is_described_field_by_field(heading: str, types: tuple[Any, ...]) -> None:
    text = section(heading)
    fields = {field.encode_name for kind in types for field in msgspec.structs.fields(kind)}
    assert fields - set(re.findall(r"`(\w+)`", text)) == set()
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} - fields == set()
