"""The reference pages list exactly the labels that the decoders read, with the same readers and defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.dynamic.decode import decode as decode_file
from discovery.labels import known_labels
from discovery.labels.decode import decode
from discovery.labels.reference import blocks, support_text
from discovery.labels.unfold import unfold
from discovery.labels.vocabulary import tcp, translated, udp, v1, v3
from discovery.labels.vocabulary.composite import COMPOSITE
from discovery.labels.vocabulary.containers import CONTAINER
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.tls import STORE
from rondpoint.diagnostics import Severity
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.reference_pages import fill_blocks, first_clause
from tests.discovery.labels.containers import OPTIONS, container

PAGES = Path(__file__).parents[3] / "docs" / "reference"

V1, V3 = (*CONTAINER, *v1.LABELS), (*CONTAINER, *v3.LABELS)
PLAIN_V1 = {"traefik.frontend.rule": "Host:plain.example"}
PLAIN_V3 = {"traefik.http.routers.NAME.rule": "Host(`plain.example`)"}
LAYER4 = (*tcp.LABELS, *udp.LABELS)
LAYER4_OF_FILES = (*tcp.FILE_OPTIONS, *udp.FILE_OPTIONS)
PLAIN_LAYER4 = {
    "traefik.tcp.routers.NAME.rule": "HostSNI(`*`)",
    "traefik.udp.routers.NAME.entryPoints": "dns",
}
BY_NAME = {
    each.name: each
    for each in (*v1.FILE_OPTIONS, *V1, *v3.FILE_OPTIONS, *V3, *LAYER4_OF_FILES, *LAYER4, *tcp.IN_LABELS)
}


@pytest.mark.parametrize("page", ["labels-v1.md", "labels-v3.md"])
def test_the_page_is_up_to_date(page: str) -> None:
    text = (PAGES / page).read_text()
    assert text == fill_blocks(text, blocks(page)), "run: make reference"


def with_neighbours(label: Label) -> dict[str, str]:
    """Return examples for the label and the labels that it requires, by name in the vocabulary."""
    return {name: BY_NAME[name].example for name in (*label.requires, label.name)}


def decode_in_container(label: Label, plain: Mapping[str, str]) -> Decoded:
    labels = {f"traefik.{name}": value for name, value in with_neighbours(label).items()}
    return decode(container("NAME", {**plain, **labels}), OPTIONS)


def decode_in_file(label: Label) -> Decoded:
    """Decode the label in a file whose other options form a complete route."""
    given = with_neighbours(label)
    plain = {"http.routers.NAME.rule": "Host(`plain.example`)", "http.routers.NAME.service": "NAME"}
    if label in LAYER4_OF_FILES:
        plain = _layer4_route(label)
    elif label not in COMPOSITE:
        plain["http.services.NAME.loadBalancer.servers[0].url"] = "http://10.0.0.9:80"
    if label in v1.FILE_OPTIONS or label in V1:
        given = {_in_file(name): value for name, value in given.items()}
        plain = {
            "frontends.NAME.routes.NAME.rule": "Host:plain.example",
            "frontends.NAME.backend": "NAME",
            "backends.NAME.servers.NAME.url": "http://10.0.0.9:80",
        }
    tree = unfold(
        {f"traefik.{name}": value for name, value in {**plain, **given}.items()}, Report("file", "")
    )
    return decode_file(tree, "file", "routes.toml")


def _layer4_route(label: Label) -> dict[str, str]:
    """Return the options of a complete route of the label's protocol."""
    protocol = label.name.partition(".")[0]
    plain = {f"{protocol}.routers.NAME.service": "NAME"}
    if protocol == "tcp":
        plain["tcp.routers.NAME.rule"] = "HostSNI(`*`)"
    if "weighted" not in label.name:
        plain[f"{protocol}.services.NAME.loadBalancer.servers[0].address"] = "10.0.0.9:80"
    return plain


def _in_file(name: str) -> str:
    outer, _, option = name.partition(".")
    return f"{outer}s.NAME.{option}" if outer in ("frontend", "backend") else name


class RecordedReads:
    """Records what decoders read from sections: lower-case keys with their names, readers and defaults."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, str] = {}
        self.readers: dict[str, tuple[Callable[[object], Any], object]] = {}
        raw, read = Section.raw, Section.read

        def reads(section: Section, name: str) -> object:
            self.names[self._key(section, name).lower()] = self._key(section, name)
            return raw(section, name)

        def read_with(section: Section, name: str, reader: Callable[[object], Any], default: Any) -> Any:
            self.readers[self._key(section, name).lower()] = reader, default
            return read(section, name, reader, default)

        monkeypatch.setattr(Section, "raw", reads)
        monkeypatch.setattr(Section, "read", read_with)

    @staticmethod
    def _key(section: Section, name: str) -> str:
        return f"{section.path}.{name}".removeprefix(".").removeprefix("traefik.")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> RecordedReads:
    return RecordedReads(monkeypatch)


def unknown(
    reads: RecordedReads, vocabulary: Iterable[str], ignored: str = "http.middlewares.name"
) -> list[str]:
    """Return the names that were read but are neither in the vocabulary nor above one of its names."""
    told = [name.lower() for name in vocabulary]
    return [
        written
        for key, written in reads.names.items()
        if not key.startswith(ignored)
        and not any(name == key or name.startswith((f"{key}.", f"{key}[")) for name in told)
    ]


def test_the_pages_list_every_label_that_a_decoder_reads(reads: RecordedReads) -> None:
    for label in V3:
        decode_in_container(label, PLAIN_V3)
    assert unknown(reads, (*(each.name for each in V3), *MIDDLEWARE_NAMES)) == []
    reads.names.clear()
    for label in LAYER4:
        decode_in_container(label, PLAIN_LAYER4)
    known = (each.name for each in (*CONTAINER, *STORE, *LAYER4, *tcp.IN_LABELS))
    assert unknown(reads, (*known, *MIDDLEWARE_NAMES)) == []
    reads.names.clear()
    for label in V1:
        decode_in_container(label, PLAIN_V1)
    of_files = (each.name.replace("frontends.NAME.", "frontend.") for each in v1.FILE_OPTIONS)
    assert unknown(reads, (*(each.name for each in V1), *of_files)) == []


MIDDLEWARE_NAMES = ("http.middlewares.NAME", "tcp.middlewares.NAME")
"""Middlewares have a reference page of their own."""


def test_the_pages_list_every_option_of_files(reads: RecordedReads) -> None:
    for label in v3.FILE_OPTIONS:
        decode_in_file(label)
    for label in LAYER4_OF_FILES:
        decode_in_file(label)
    beside = (
        *(each.name for each in LAYER4_OF_FILES),
        *MIDDLEWARE_NAMES,
        "tls.stores.NAME",
        "backends",
        "frontends",
    )
    assert unknown(reads, (*(each.name for each in v3.FILE_OPTIONS), *beside)) == []
    reads.names.clear()
    for label in (*v1.LABELS, *v1.FILE_OPTIONS):
        decode_in_file(label)
    told = (*(_in_file(each.name) for each in v1.LABELS), *(each.name for each in v1.FILE_OPTIONS))
    assert unknown(reads, (*told, *beside), "http") == []


@pytest.mark.parametrize(
    ("labels", "plain"),
    [
        (V3, PLAIN_V3),
        (V1, PLAIN_V1),
        (LAYER4, PLAIN_LAYER4),
        (v3.FILE_OPTIONS, None),
        (v1.FILE_OPTIONS, None),
        (LAYER4_OF_FILES, None),
    ],
)
def test_readers_and_defaults_equal_those_of_the_decoders(
    reads: RecordedReads, labels: tuple[Label, ...], plain: Mapping[str, str] | None
) -> None:
    wrong = []
    for label in labels:
        decode_in_file(label) if plain is None else decode_in_container(label, plain)
        found = reads.readers.get(label.name.lower())
        if found is not None and not label.translates_to:
            reader, default = found
            words = None if label.read is None else first_clause(label.read)
            if first_clause(reader) != words or not (label.default_text or default == label.default):
                wrong.append((label.name, reader, default))
    assert wrong == []
    read = [each.name for each in labels if each.read is not None and not each.translates_to]
    by_themselves = {"tags"}
    assert [name for name in read if name.lower() not in reads.readers and name not in by_themselves] == []


def messages_about(found: Decoded, label: Label, at_least: Severity = Severity.WARNING) -> list[str]:
    """Return the messages that name the label or an option above it."""
    grave = (Severity.ERROR,) if at_least is Severity.ERROR else (Severity.ERROR, Severity.WARNING)
    parts = label.name.replace("[0]", "").lower().split(".")
    keys = {".".join(parts[:end]) for end in range(2, len(parts) + 1)}
    keys -= {f"{parts[0]}.routers", f"{parts[0]}.services"}
    keys |= {_in_file(key).lower() for key in keys}
    return [
        item.message
        for item in found.diagnostics
        if item.severity in grave and any(f"{key}" in item.message.replace("[0]", "").lower() for key in keys)
    ]


CASES = [
    *(
        pytest.param(label, lambda each: decode_in_container(each, PLAIN_V3), id=f"3 {label.name}")
        for label in V3
    ),
    *(
        pytest.param(label, lambda each: decode_in_container(each, PLAIN_V1), id=f"1 {label.name}")
        for label in V1
    ),
    *(
        pytest.param(label, lambda each: decode_in_container(each, PLAIN_LAYER4), id=f"layer 4 {label.name}")
        for label in (*LAYER4, *tcp.IN_LABELS)
    ),
    *(
        pytest.param(label, decode_in_file, id=f"file 3 {label.name}")
        for label in (*v3.FILE_OPTIONS, *LAYER4_OF_FILES)
    ),
    *(
        pytest.param(label, decode_in_file, id=f"file 1 {label.name}")
        for label in (
            *translated.FRONTEND_MIDDLEWARES,
            *v1.SERVICES,
            *translated.BACKEND_MIDDLEWARES,
            *v1.FILE_OPTIONS,
        )
    ),
]


def routers_of(found: Decoded, label: Label) -> tuple[object, ...]:
    """Return the routers of the label's protocol."""
    protocols = {"tcp": found.tcp_routers, "udp": found.udp_routers}
    return protocols.get(label.name.partition(".")[0], found.routers)


@pytest.mark.parametrize(("label", "decoded"), CASES)
def test_a_label_is_supported_as_the_page_says(label: Label, decoded: Callable[[Label], Decoded]) -> None:
    found = decoded(label)
    assert [item.message for item in found.diagnostics if "unknown" in item.message] == []
    messages = messages_about(found, label)
    support = support_text(label)
    if support in (Support.SERVED.value, Support.STORED.value):
        assert messages == []
        assert routers_of(found, label)
    elif support in (Support.UNSERVED.value, Support.SWARM_ONLY.value):
        assert any("is not served" in message for message in messages)
        assert routers_of(found, label)
    elif support == Support.NO_EFFECT.value:
        assert any("has no effect, as in Traefik" in message for message in messages)
        assert found.routers
    elif support == Support.NO_EFFECT_NOTED.value:
        assert messages == []
        notes = [item.message for item in found.diagnostics if item.severity is Severity.NOTE]
        assert any("has no effect" in note for note in notes)
    elif support == Support.CLOSING.value:
        assert any("so services with this transport respond 503" in message for message in messages)
        assert found.servers_transports[0].unserved
    elif support == Support.CLOSING_TCP.value:
        assert any("so services with this transport take no connections" in message for message in messages)
        assert found.tcp_servers_transports[0].unserved
    elif support == Support.LEFT_OUT.value:
        assert any("is not served yet, so the router is left out" in message for message in messages)
        assert found.routers == ()
    else:
        assert support == "not yet"
        assert any("is not served yet" in message for message in messages)


@pytest.mark.parametrize(
    "label", [each for each in v1.LABELS if each.translates_to], ids=lambda label: label.name
)
def test_a_label_translates_to_the_option_on_the_page(label: Label) -> None:
    kind, *path = label.translates_to.split(".")
    found = decode_in_container(label, PLAIN_V1)
    made: Any = [middleware.options for middleware in found.middlewares if middleware.kind == kind]
    if kind not in SERVED_KINDS and label in translated.BACKEND_MIDDLEWARES:
        assert made == []
        return
    assert made
    for name in path:
        made = [options[name] for options in made]


def test_every_label_has_a_description_and_values() -> None:
    for page in ("labels-v1.md", "labels-v3.md"):
        rows = [
            line for block in blocks(page).values() for line in block.splitlines() if line.startswith("| `")
        ]
        assert len(rows) > 80
        assert [row for row in rows if row.split(" | ")[1].strip("| ") == ""] == []
    silent = [each for each in BY_NAME.values() if not each.description and not each.translates_to]
    assert [each.name for each in silent] == []


def test_known_labels_equal_those_of_the_page() -> None:
    assert {f"traefik.{each.name}" for each in CONTAINER} == set(known_labels.SHARED)
    assert {f"traefik.{each.name}" for each in v1.ROUTES} == set(known_labels.V1_ROUTE_LABELS)
