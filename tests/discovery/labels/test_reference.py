"""The reference pages tell of every label that the decoders ask for, as they ask for it, and of no other."""

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
from discovery.labels.reference import blocks, served
from discovery.labels.unfold import unfold
from discovery.labels.vocabulary import translated, v1, v3
from discovery.labels.vocabulary.composite import COMPOSED
from discovery.labels.vocabulary.containers import CONTAINER
from discovery.labels.vocabulary.label import Label, Standing
from rondpoint.diagnostics import Severity
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.reference_pages import filled, first_clause
from rondpoint.settings import DockerOptions
from tests.discovery.labels.containers import container

PAGES = Path(__file__).parents[3] / "docs" / "reference"

V1, V3 = (*CONTAINER, *v1.LABELS), (*CONTAINER, *v3.LABELS)
PLAIN_V1 = {"traefik.frontend.rule": "Host:plain.example"}
PLAIN_V3 = {"traefik.http.routers.NAME.rule": "Host(`plain.example`)"}
BY_NAME = {each.name: each for each in (*v1.OF_FILES, *V1, *v3.OF_FILES, *V3)}


@pytest.mark.parametrize("page", ["labels-v1.md", "labels-v3.md"])
def test_the_page_is_up_to_date(page: str) -> None:
    text = (PAGES / page).read_text()
    assert text == filled(text, blocks(page)), "run: make reference"


def with_neighbours(label: Label) -> dict[str, str]:
    """The label and those that it needs, by their names in the vocabulary."""
    return {name: BY_NAME[name].example for name in (*label.beside, label.name)}


def of_container(label: Label, plain: Mapping[str, str]) -> Decoded:
    labels = {f"traefik.{name}": value for name, value in with_neighbours(label).items()}
    return decode(container("NAME", {**plain, **labels}), DockerOptions())


def of_file(label: Label) -> Decoded:
    """As of a file whose frontend, or router, is whole apart from that."""
    given = with_neighbours(label)
    plain = {"http.routers.NAME.rule": "Host(`plain.example`)", "http.routers.NAME.service": "NAME"}
    if label not in COMPOSED:
        plain["http.services.NAME.loadBalancer.servers[0].url"] = "http://10.0.0.9:80"
    if not label.name.startswith("http."):
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


def _in_file(name: str) -> str:
    outer, _, option = name.partition(".")
    return f"{outer}s.NAME.{option}" if outer in ("frontend", "backend") else name


class Asked:
    """What sections were asked for, by lower-case key: the name, and with which reader and default if any."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, str] = {}
        self.readers: dict[str, tuple[Callable[[object], Any], object]] = {}
        raw, read = Section.raw, Section.read

        def asked(section: Section, name: str) -> object:
            self.names[self._key(section, name).lower()] = self._key(section, name)
            return raw(section, name)

        def asked_with(section: Section, name: str, reader: Callable[[object], Any], default: Any) -> Any:
            self.readers[self._key(section, name).lower()] = reader, default
            return read(section, name, reader, default)

        monkeypatch.setattr(Section, "raw", asked)
        monkeypatch.setattr(Section, "read", asked_with)

    @staticmethod
    def _key(section: Section, name: str) -> str:
        return f"{section.path}.{name}".removeprefix(".").removeprefix("traefik.")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def unknown(asked: Asked, vocabulary: Iterable[str], passed_over: str = "http.middlewares.name") -> list[str]:
    """What was asked for, and is neither told of nor holds what is."""
    told = [name.lower() for name in vocabulary]
    return [
        written
        for key, written in asked.names.items()
        if not key.startswith(passed_over)
        and not any(name == key or name.startswith((f"{key}.", f"{key}[")) for name in told)
    ]


def test_the_pages_tell_of_every_label_that_is_asked_for(asked: Asked) -> None:
    for label in V3:
        of_container(label, PLAIN_V3)
    assert unknown(asked, tuple(each.name for each in (*V3, *MIDDLEWARES))) == []
    asked.names.clear()
    for label in V1:
        of_container(label, PLAIN_V1)
    of_files = (each.name.replace("frontends.NAME.", "frontend.") for each in v1.OF_FILES)
    assert unknown(asked, (*(each.name for each in V1), *of_files)) == []


MIDDLEWARES = (Label("http.middlewares.NAME", ""),)
"""Of which there is a page of its own."""


def test_the_pages_tell_of_every_option_of_files(asked: Asked) -> None:
    for label in v3.OF_FILES:
        of_file(label)
    beside = ("http.middlewares.NAME", "tcp", "udp", "tls", "backends", "frontends")
    assert unknown(asked, (*(each.name for each in v3.OF_FILES), *beside)) == []
    asked.names.clear()
    for label in (*v1.LABELS, *v1.OF_FILES):
        of_file(label)
    told = (*(_in_file(each.name) for each in v1.LABELS), *(each.name for each in v1.OF_FILES))
    assert unknown(asked, (*told, *beside), "http") == []


@pytest.mark.parametrize(
    ("labels", "plain"), [(V3, PLAIN_V3), (V1, PLAIN_V1), (v3.OF_FILES, None), (v1.OF_FILES, None)]
)
def test_readers_and_defaults_are_the_decoders(
    asked: Asked, labels: tuple[Label, ...], plain: Mapping[str, str] | None
) -> None:
    wrong = []
    for label in labels:
        of_file(label) if plain is None else of_container(label, plain)
        found = asked.readers.get(label.name.lower())
        if found is not None and not label.becomes:
            reader, default = found
            words = None if label.read is None else first_clause(label.read)
            if first_clause(reader) != words or not (label.unless or default == label.default):
                wrong.append((label.name, reader, default))
    assert wrong == []
    read = [each.name for each in labels if each.read is not None and not each.becomes]
    by_themselves = {"tags"}
    assert [name for name in read if name.lower() not in asked.readers and name not in by_themselves] == []


def told_of(found: Decoded, label: Label, at_least: Severity = Severity.WARNING) -> list[str]:
    """Messages that name the label, or an option that it is below."""
    grave = (Severity.ERROR,) if at_least is Severity.ERROR else (Severity.ERROR, Severity.WARNING)
    parts = label.name.replace("[0]", "").lower().split(".")
    keys = {".".join(parts[:end]) for end in range(2, len(parts) + 1)} - {"http.routers", "http.services"}
    keys |= {_in_file(key).lower() for key in keys}
    return [
        item.message
        for item in found.diagnostics
        if item.severity in grave and any(f"{key}" in item.message.replace("[0]", "").lower() for key in keys)
    ]


CASES = [
    *(pytest.param(label, lambda each: of_container(each, PLAIN_V3), id=f"3 {label.name}") for label in V3),
    *(pytest.param(label, lambda each: of_container(each, PLAIN_V1), id=f"1 {label.name}") for label in V1),
    *(pytest.param(label, of_file, id=f"file 3 {label.name}") for label in v3.OF_FILES),
    *(
        pytest.param(label, of_file, id=f"file 1 {label.name}")
        for label in (*translated.GUARDS, *v1.SERVICES, *translated.LIMITS, *v1.OF_FILES)
    ),
]


@pytest.mark.parametrize(("label", "decoded"), CASES)
def test_a_label_has_the_standing_that_the_page_gives_it(
    label: Label, decoded: Callable[[Label], Decoded]
) -> None:
    found = decoded(label)
    assert [item.message for item in found.diagnostics if "unknown" in item.message] == []
    said = told_of(found, label)
    standing = served(label)
    if standing in (Standing.SERVED.value, Standing.STORED.value):
        assert said == []
        assert found.routers
    elif standing == Standing.UNSERVED.value:
        assert any("is not served" in message for message in said)
        assert found.routers
    elif standing == Standing.LEFT_OUT.value:
        assert any("is not served yet, so the router is left out" in message for message in said)
        assert found.routers == ()
    elif standing == Standing.HELD.value:
        assert [service.unserved for service in found.services] == ["mirroring is not served yet"]
    else:
        assert standing == "not yet"
        assert any("is not served yet" in message for message in said)


@pytest.mark.parametrize("label", [each for each in v1.LABELS if each.becomes], ids=lambda label: label.name)
def test_a_label_becomes_the_option_that_the_page_names(label: Label) -> None:
    kind, *path = label.becomes.split(".")
    found = of_container(label, PLAIN_V1)
    made: Any = [middleware.options for middleware in found.middlewares if middleware.kind == kind]
    if kind not in SERVED_KINDS and label in translated.LIMITS:
        assert made == []
        return
    assert made
    for name in path:
        made = [options[name] for options in made]


def test_every_label_says_what_it_means_and_what_may_be_written_for_it() -> None:
    for page in ("labels-v1.md", "labels-v3.md"):
        rows = [
            line for block in blocks(page).values() for line in block.splitlines() if line.startswith("| `")
        ]
        assert len(rows) > 80
        assert [row for row in rows if row.split(" | ")[1].strip("| ") == ""] == []
    silent = [each for each in BY_NAME.values() if not each.meaning and not each.becomes]
    assert [each.name for each in silent] == []


def test_labels_without_a_dialect_are_those_of_the_page() -> None:
    assert {f"traefik.{each.name}" for each in CONTAINER} == set(known_labels.SHARED)
    assert {f"traefik.{each.name}" for each in v1.ROUTES} == set(known_labels.V1_ROUTE_LABELS)
