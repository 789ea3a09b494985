"""In which line of a file its keys stand, whatever the file is like."""

from pathlib import Path
from time import process_time

import pytest

from discovery.checking.checker import check
from discovery.checking.line_numbers import Lines, lines_of

MERGED = """x-common: &common
  traefik.enable: true
services:
  web:
    labels: *common
"""

DOUBLED = "\n".join(["x0: &x0 [1]", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 31))])


def test_keys_are_found_in_yaml_and_toml(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(MERGED)
    lines = lines_of(tmp_path / "a.yml")
    assert [lines.of(("services", "web", "labels", key)) for key in ("traefik.enable", "none")] == [2, 0]
    assert lines.called("Services.Web") == 4
    (tmp_path / "a.toml").write_text("[http.routers.a]\nrule = 'x'\n\n[http.routers.ab]\nrule = 'x'\n")
    lines = lines_of(tmp_path / "a.toml")
    assert lines.named('http.routers.ab.rule="x": is none') == 5
    assert lines.named("http.routers.a: is none") == 1
    # Not of a key whose name only begins like that.
    assert lines.named("http.routers.abc: is none") == 1


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "a: &a [*a]", "a: &a {b: *a}", DOUBLED])
def test_files_without_end_are_told_of_in_a_directory_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "routes.yml").write_text(text)
    for named in (tmp_path, tmp_path / "routes.yml"):
        [finding] = check([named], (), {}, tmp_path).findings
        assert "nested more than" in finding.message or "more than 2,000,000 values" in finding.message


def test_many_findings_do_not_each_look_through_the_file() -> None:
    keys = [("http", "routers", f"r{n}", key) for n in range(20_000) for key in ("rule", "service")]
    lines = Lines((key, line) for line, key in enumerate(keys, 1))
    began = process_time()
    for n in range(5_000):
        assert lines.named(f"http.routers.r{n}.rule: unknown matcher") == 2 * n + 1
    # It would be some minutes otherwise.
    assert process_time() - began < 20
