"""Line numbers of keys in files of any shape and size."""

from pathlib import Path
from time import process_time

import pytest

from discovery.checking.checker import check_files
from discovery.checking.line_numbers import KeyLines, read_key_lines

MERGED = """x-common: &common
  traefik.enable: true
services:
  web:
    labels: *common
"""

DOUBLED = "\n".join(["x0: &x0 [1]", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 31))])


def test_keys_are_found_in_yaml_and_toml(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(MERGED)
    lines = read_key_lines(tmp_path / "a.yml")
    assert [lines.line_of(("services", "web", "labels", key)) for key in ("traefik.enable", "none")] == [2, 0]
    assert lines.line_of_name("Services.Web") == 4
    (tmp_path / "a.toml").write_text("[http.routers.a]\nrule = 'x'\n\n[http.routers.ab]\nrule = 'x'\n")
    lines = read_key_lines(tmp_path / "a.toml")
    assert lines.line_of_message('http.routers.ab.rule="x": is none') == 5
    assert lines.line_of_message("http.routers.a: is none") == 1
    # The key must end where the name ends.
    assert lines.line_of_message("http.routers.abc: is none") == 1


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "a: &a [*a]", "a: &a {b: *a}", DOUBLED])
def test_endless_files_are_reported_in_a_directory_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "routes.yml").write_text(text)
    for path in (tmp_path, tmp_path / "routes.yml"):
        [diagnostic] = check_files([path], (), {}, tmp_path).diagnostics
        assert "nested more than" in diagnostic.message or "more than 2,000,000 values" in diagnostic.message


def test_many_diagnostics_are_located_without_reading_the_whole_file_for_each() -> None:
    keys = [("http", "routers", f"r{n}", key) for n in range(20_000) for key in ("rule", "service")]
    lines = KeyLines((key, line) for line, key in enumerate(keys, 1))
    began = process_time()
    for n in range(5_000):
        assert lines.line_of_message(f"http.routers.r{n}.rule: unknown matcher") == 2 * n + 1
    # A search through all keys for each message would take minutes.
    assert process_time() - began < 20
