"""`rondpoint check`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from discovery.check import check

ROUTES = """
http:
  routers: {r: {rule: "Host(`r.test`)", service: s, entryPoints: [any]}}
  services: {s: {loadBalancer: {servers: [{url: "http://10.0.0.1"}, {url: "http://10.0.0.2", weight: 2}]}}}
"""


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RONDPOINT_FLAGS", raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, arguments, catch_exceptions=False)


def test_a_file_of_routes_is_listed(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    result = run("routes.yml")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "routes: routes.yml",
        "  r@file: Host(`r.test`) (priority 14)",
        "    → s@file: http://10.0.0.1:80, http://10.0.0.2:80 (weight 2)",
    ]


def test_a_directory_is_checked_as_one(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "routers.yml").write_text("http: {routers: {r: {rule: Host(`a`), service: s}}}")
    (tmp_path / "d" / "services.toml").write_text(
        "[[http.services.s.loadBalancer.servers]]\nurl = 'http://10.0.0.1'\n"
    )
    result = run("d")
    assert result.exit_code == 0
    assert "→ s@file: http://10.0.0.1:80" in result.output


def test_an_error_ends_with_1_and_names_file_key_and_value(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES.replace("Host(", "Hots("))
    result = run("routes.yml")
    assert result.exit_code == 1
    assert (
        'error: file: routes.yml: http.routers.r.rule="Hots(`r.test`)": unknown matcher Hots' in result.output
    )


def test_a_warning_alone_ends_with_0(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES + "htp: {}\n")
    result = run("routes.yml")
    assert result.exit_code == 0
    assert "warning: file: routes.yml: htp is unknown (did you mean http?)" in result.output


def test_a_reference_within_the_files_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text("http: {routers: {r: {rule: Host(`a`), service: nowhere}}}")
    result = run("routes.yml")
    assert result.exit_code == 1
    assert "nowhere@file" in result.output


def test_a_reference_to_another_provider_cannot_be_checked_and_is_let_pass(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text("http: {routers: {r: {rule: Host(`a`), service: s@docker}}}")
    assert run("routes.yml").exit_code == 0


def test_a_file_of_settings_is_checked_with_the_routes_it_names(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    (tmp_path / "traefik.toml").write_text(
        '[entryPoints.any]\naddress = ":8001"\n[providers.file]\nfilename = "routes.yml"\n'
    )
    for arguments in (["traefik.toml"], []):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        assert "traefik.toml" in result.output
        assert "r@file" in result.output


def test_an_entry_point_that_the_settings_lack_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    result = run("--providers.file.filename=routes.yml")
    assert result.exit_code == 1
    assert "entry point 'any' does not exist" in result.output


def test_a_bad_setting_ends_with_1() -> None:
    result = run("--entryPonts.web.address=:80")
    assert result.exit_code == 1
    assert "entryPoints" in result.output


def test_what_cannot_be_read_ends_with_1(tmp_path: Path) -> None:
    assert run("nowhere.yml").exit_code == 1
    assert run("--providers.file.directory=nowhere").exit_code == 1
