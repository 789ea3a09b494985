"""`/api/explain` and `rondpoint explain`, asked of a running proxy."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import http
from tests.lab.origin import Origin
from tests.lab.processes import installed
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy


@pytest.fixture
def proxy(store: Store, short_path: Path) -> Iterator[Proxy]:
    with running_proxy(short_path, store) as proxy:
        yield proxy


def command(proxy: Proxy, *arguments: str) -> subprocess.CompletedProcess[str]:
    api = f"--api=http://127.0.0.1:{proxy.admin}"
    return subprocess.run(
        [installed("rondpoint"), "explain", *arguments, api], capture_output=True, text=True, check=False
    )


def test_a_request_is_explained_as_it_is_served(proxy: Proxy) -> None:
    with Origin.named("one") as origin:
        host = proxy.route(origin, rule="Host(`{host}`) && Header(`X-A`, `b`) && ClientIP(`192.0.2.0/24`)")
        name = host.removesuffix(".test")
        query = f"url=http://{host}:{proxy.web}/%25252f?c=d&header=X-A:%20b&client=192.0.2.7"
        found = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}").text)
        assert (found["router"], found["service"], found["status"]) == (name, name, 0)
        assert (found["entryPoint"], found["path"]) == ("web", "/%252f")
        assert [server["url"] for server in found["servers"]] == [f"http://127.0.0.1:{origin.port}"]

        told = command(proxy, f"http://{host}/", "--header=X-A: b", "--client=192.0.2.7")
        assert told.returncode == 0, told.stderr
        assert f"router      {name}" in told.stdout
        assert "balancing   wrr" in told.stdout
        told = command(proxy, f"http://{host}/", "--header", "X-A: c", "--method", "post")
        assert told.returncode == 1
        assert "no match: Header(`X-A`, `b`)" in told.stdout.replace("x-a", "X-A")
        assert f"see also    {name}: serves this host, but not this request" in told.stdout
        told = command(proxy, f"{host}/", "--json", "--header=X-A: b", "--client=192.0.2.7")
        assert json.loads(told.stdout)["router"] == name


def test_what_the_proxy_adds_is_seen_by_rules(proxy: Proxy) -> None:
    with Origin.named("one") as origin:
        lines = {"Proto": "http", "Port": str(proxy.web)}
        rule = " && ".join(f"Header(`X-Forwarded-{name}`, `{value}`)" for name, value in lines.items())
        host = proxy.route(origin, rule=f"Host(`{{host}}`) && {rule} && Header(`X-Real-Ip`, `192.0.2.7`)")
        query = f"url=http://{host}:{proxy.web}/&client=192.0.2.7"
        found = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}").text)
        assert found["router"] == host.removesuffix(".test")
        found = json.loads(http.request(proxy.admin, "localhost", f"/api/explain?{query}0").text)
        assert found["candidates"][-1]["failed"] == ["Header(`x-real-ip`, `192.0.2.7`)"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "url is missing"),
        ("url=ftp://a/", "is not a URL such as"),
        ("url=http://a:x/", "cannot be read"),
        ("url=http://a/&header=nonsense", "is not a header line such as Accept"),
        ("url=http://a/&entryPoint=other", "does not exist: expected one of web"),
    ],
)
def test_a_question_that_cannot_be_read_is_a_400_that_says_why(
    proxy: Proxy, query: str, message: str
) -> None:
    response = http.request(proxy.admin, "localhost", f"/api/explain?{query}")
    assert response.status == 400
    assert message in json.loads(response.text)["message"]


def test_the_command_passes_the_reason_on(proxy: Proxy) -> None:
    told = command(proxy, "ftp://a/")
    assert (told.returncode, "is not a URL such as" in told.stderr) == (1, True)
