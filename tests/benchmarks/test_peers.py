"""Tests of the configuration that each proxy is started with."""

from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.origin import body, configuration
from benchmarks.peers import BASELINE, PEERS, Site, taking_part_in
from benchmarks.peers.peer import HOST
from benchmarks.peers.rondpoint import checkout_peer, compile_modules, rondpoint_program
from benchmarks.scenarios import SCENARIOS
from rondpoint import model

LOGGING = ("rondpoint-log", "rondpoint-json", "rondpoint-all", "traefik-all")
SERVERS = (40001, 40002, 40003)


@pytest.fixture(params=[name for name in PEERS if name not in LOGGING])
def prepared(request, tmp_path) -> Iterator[str]:
    """The command, the environment and all written files of one proxy, as one text."""
    peer = PEERS[request.param]
    launch = peer.prepare(Site(tmp_path, 40000, 40010, SERVERS))
    files = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    return "\n".join([*launch.command, *launch.environment, *files])


def test_every_proxy_gets_the_same_host_the_same_servers_and_its_port(prepared):
    for expected in (HOST, "127.0.0.1:40000", *(f"127.0.0.1:{port}" for port in SERVERS)):
        assert expected in prepared


def test_no_proxy_writes_an_access_log(prepared):
    assert "accesslog" not in prepared.lower()
    assert "access_log" not in prepared.replace("access_log off;", "")
    assert "httplog" not in prepared


@pytest.mark.parametrize("peer", ["rondpoint", "traefik", "nginx", "haproxy", "caddy"])
@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS.values() if each.feature], ids=lambda each: each.name
)
def test_every_proxy_is_configured_to_do_what_the_scenario_says(tmp_path, peer, scenario):
    if not taking_part_in(scenario, [PEERS[peer]]):
        assert (peer, scenario.name) == ("caddy", "ratelimit")
        return
    PEERS[peer].prepare(Site(tmp_path, 40000, 40010, SERVERS, feature=scenario.feature))
    text = "\n".join(file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    signs = {
        "auth": ["$2b$05$"],
        "headers": ["X-To-Server-4", "X-To-Client-4"],
        "ratelimit": ["1000000"],
        "compress": ["gzip"],
        "redirect": ["https"],
    }
    assert all(sign in text for sign in signs[scenario.name])
    assert "{directory}" not in text


@pytest.mark.parametrize("peer", ["rondpoint", "traefik", "nginx", "haproxy", "caddy"])
def test_every_proxy_speaks_http2_in_clear_text_with_clients_and_servers(tmp_path, peer):
    site = Site(tmp_path, 40000, 40010, SERVERS, h2c_port=40020, h2c_servers=True)
    launch = PEERS[peer].prepare(site)
    text = "\n".join([*launch.command, *(file.read_text() for file in tmp_path.rglob("*") if file.is_file())])
    assert "127.0.0.1:40020" in text
    signs = {"nginx": "grpc_pass", "haproxy": f"127.0.0.1:{SERVERS[0]} proto h2", "caddy": '"h2c"'}
    assert signs.get(peer, f"h2c://127.0.0.1:{SERVERS[0]}") in text


def test_a_checkout_without_an_environment_is_an_error(tmp_path):
    with pytest.raises(BenchmarkError, match="make setup"):
        checkout_peer(tmp_path, PEERS["rondpoint-log"])


def test_another_checkout_has_a_proxy_beside_each_of_ours(tmp_path):
    command = tmp_path / ".venv" / "bin" / "rondpoint"
    command.parent.mkdir(parents=True)
    command.touch()
    peer = checkout_peer(tmp_path, PEERS["rondpoint-log"])
    launch = peer.prepare(Site(tmp_path, 40000, 40010, SERVERS))
    assert (peer.name, launch.command[0]) == ("base-log", str(command))
    assert f"--accessLog.filePath={tmp_path / 'access.log'}" in launch.command


def test_modules_are_compiled_as_in_an_installation():
    compiled = Path(cache_from_source(model.__file__))
    compiled.unlink(missing_ok=True)
    compile_modules.cache_clear()
    compile_modules(rondpoint_program())
    assert compiled.exists()


def test_the_baseline_is_one_of_the_proxies():
    assert BASELINE in PEERS


def test_the_bodies_of_servers_have_the_size_of_the_scenario_and_differ():
    for scenario in (each for each in SCENARIOS.values() if each.forwarded):
        bodies = {body(number, scenario) for number in range(3)}
        assert {len(content) for content in bodies} == {scenario.size}
        assert len(bodies) == 3


def test_the_origin_is_one_server_for_each_port():
    text = configuration(Path("/srv"), SERVERS, (40004, 40005, 40006))
    assert [text.count(f"listen 127.0.0.1:{port} ") for port in SERVERS] == [1, 1, 1]
    assert [text.count(body(number, SCENARIOS["small"]).decode()) for number in range(3)] == [1, 1, 1]
