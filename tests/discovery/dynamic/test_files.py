"""Dynamic files on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discovery.dynamic import load_file
from discovery.dynamic.file_templates import LONGEST
from rondpoint.diagnostics import Severity

YAML = "http: {services: {s: {loadBalancer: {servers: [{url: 'http://10.0.0.1'}]}}}}\n"
TOML = "[[http.services.s.loadBalancer.servers]]\nurl = 'http://10.0.0.1'\n"


@pytest.mark.parametrize(("name", "text"), [("a.yml", YAML), ("a.YAML", YAML), ("a.toml", TOML)])
def test_the_suffix_of_a_file_selects_its_format(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    decoded = load_file(path, {})
    assert [service.name for service in decoded.services] == ["s@file"]
    assert decoded.diagnostics == ()
    assert decoded.subject == str(path)


@pytest.mark.parametrize("name", ["a.yml", "a.toml"])
def test_an_empty_file_defines_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("# nothing yet\n")
    decoded = load_file(path, {})
    assert decoded.services == decoded.diagnostics == ()


UNREADABLE = [
    ("a.yml", b"http:\n  routers: [\n", "line 3, column 1: "),
    ("a.yml", b"http:\n\trouters: x\n", "line 2, column 1: "),
    ("a.yml", b"http:\n  a: 1\n  a: 2\n", "line 3, column 3: a is given twice"),
    ("a.yml", b"a: 2020-13-45\n", "month must be in 1..12"),
    ("a.yml", b"a: !!python/object:os.system {}\n", "line 1, column 4: "),
    ("a.yml", b"a: \x00\n", "line 1, column 4: control characters are not allowed"),
    ("a.yml", b"a: *nowhere\n", "line 1, column 4: "),
    ("a.yml", b"a: &x [*x]\n", "nested more than 50 levels deep"),
    ("a.yml", b"[" * 100_000, "nested more than 50 levels deep"),
    ("a.yml", b"- " * 100_000, "nested more than 50 levels deep"),
    ("a.yml", b"just text", "contains no options"),
    ("a.yml", b"\xff\xfe\x00", "is not UTF-8 text: "),
    ("a.toml", b"a = \n", "line 1, column 5: Invalid value"),
    ("a.toml", b"a = 1\na = 2", "line 2, column 6: Cannot overwrite a value"),
    ("a.toml", b"x = 1\n[y\n", "line 2, column 3: "),
    ("a.toml", b"a = " + b"[" * 100_000, ""),
    ("a.json", b"{}", "a.json is neither YAML nor TOML"),
]


@pytest.mark.parametrize(("name", "content", "message"), UNREADABLE)
def test_an_invalid_file_is_reported_with_the_position(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    decoded = load_file(path, {})
    assert decoded.services == ()
    (found,) = decoded.diagnostics
    assert (found.severity, found.source, found.subject) == (Severity.ERROR, "file", str(path))
    assert found.message.startswith(message)


def test_exponentially_growing_aliases_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(["l0: &l0 [x]", *levels]))
    assert load_file(path, {}).diagnostics[0].message == "more than 2,000,000 values"


TEMPLATES = [
    ("a.yml", "http: {services: {s: {loadBalancer: {servers: [{url: 'http://{{ env \"HOST\" }}'}]}}}}\n"),
    ("a.yml", '{{ if eq (env "ON") "yes" }}\nhttp: {}\n{{ else }}\n' + YAML + "{{ end }}\n"),
    ("a.toml", TOML.replace("10.0.0.1", '{{ env "NONE" | default "10.0.0.1" }}')),
]


@pytest.mark.parametrize(("name", "text"), TEMPLATES)
def test_templates_in_a_file_are_evaluated(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    decoded = load_file(path, {"HOST": "10.0.0.1"})
    assert decoded.diagnostics == ()
    assert [server.url for service in decoded.services for server in service.servers] == [
        "http://10.0.0.1:80"
    ]


INVALID_TEMPLATES = [
    ("http:\n  {{ range .x }}{{ end }}\n", "line 2, column 3: range in a template is not supported"),
    ("a: {{ .Name }}\n", "line 1, column 4: unknown field .Name"),
    ("a: b\nc: {{ env\n", "line 2, column 4: {{ is not closed by }}"),
    ('{{ if env "A" }}a: b\n', "an if in a template has no end action"),
    ("a: {{ env }}\n", "line 1, column 4: env takes 1 values, not 0"),
]


@pytest.mark.parametrize(("text", "message"), INVALID_TEMPLATES)
def test_a_file_with_an_invalid_template_is_reported_with_the_position(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "a.yml"
    path.write_text(text)
    (found,) = load_file(path, {}).diagnostics
    assert found.message.startswith(message)
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize("piece", ["{{", "{{/*", "{{ `", '{{ "', "{{}", "{{}}", '{{ "" }}'])
def test_many_actions_take_linear_time(tmp_path: Path, piece: str) -> None:
    """Quadratic time would take minutes."""
    path = tmp_path / "a.yml"
    path.write_text(piece * (LONGEST // len(piece)))
    assert load_file(path, {}).services == ()


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert (
        load_file(tmp_path / "a.yml", {}).diagnostics[0].message
        == "cannot be read: No such file or directory"
    )


def test_numbers_and_booleans_as_names_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("http: {services: {8080: {loadBalancer: {servers: [{url: 'http://a'}]}}}}")
    assert [service.name for service in load_file(path, {}).services] == ["8080@file"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.yml", "a.toml"]), st.binary() | st.text().map(lambda text: text.encode("utf-8")))
def test_loading_a_file_never_raises(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    load_file(path, {})
