"""Tests of the provider for acme-dns servers; the server is a stand-in, since no package has the real one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from discovery.acme.dns.errors import ConfigurationError, ProviderError
from discovery.acme.dns.providers.contract import DnsProvider
from tests.discovery.acme.dns.http_server import Answer, Request, StandInHttpServer
from tests.discovery.acme.dns.providing import provider, record

ACCOUNT = {
    "fulldomain": "d420c923.auth.test",
    "subdomain": "d420c923",
    "username": "c36f50e8",
    "password": "htB9mR9DYgcu9bX",
}


def answer(request: Request) -> Answer:
    if request.path == "/register":
        return 201, {**ACCOUNT, "allowfrom": []}
    return 200, {"txt": request.body["txt"]}


@pytest.fixture
def server() -> Iterator[StandInHttpServer]:
    with StandInHttpServer(answer) as running:
        yield running


def acme_dns(server: StandInHttpServer, storage: Path, **variables: str) -> DnsProvider:
    known = {"ACME_DNS_API_BASE": f"{server.url}/", "ACME_DNS_STORAGE_PATH": str(storage)}
    return provider("acme-dns", {**known, **variables})


def test_a_domain_with_an_account_is_updated(server: StandInHttpServer, tmp_path: Path) -> None:
    storage = tmp_path / "accounts.json"
    storage.write_text(json.dumps({"example.test": ACCOUNT}))
    made = acme_dns(server, storage)
    made.present(record())
    made.clean_up(record())
    assert [(each.method, each.path, each.body) for each in server.requests] == [
        ("POST", "/update", {"subdomain": ACCOUNT["subdomain"], "txt": record().value})
    ]
    headers = server.requests[0].headers
    assert (headers["x-api-user"], headers["x-api-key"]) == (ACCOUNT["username"], ACCOUNT["password"])


def test_a_new_domain_is_registered_once_and_the_error_names_the_record(
    server: StandInHttpServer, tmp_path: Path
) -> None:
    storage = tmp_path / "accounts.json"
    kept = {**ACCOUNT, "comment": "a field of another program"}
    storage.write_text(json.dumps({"other.test": kept}))
    made = acme_dns(server, storage, ACME_DNS_ALLOWLIST="192.0.2.0/24, ::1/128")
    with pytest.raises(
        ConfigurationError, match=r"_acme-challenge\.example\.test\. CNAME d420c923\.auth\.test\.$"
    ):
        made.present(record())
    assert server.requests[0].body == {"allowfrom": ["192.0.2.0/24", "::1/128"]}
    saved = json.loads(storage.read_text())
    assert saved == {"other.test": kept, "example.test": {**ACCOUNT, "server_url": server.url}}
    assert storage.stat().st_mode & 0o777 == 0o600
    acme_dns(server, storage).present(record())
    assert [each.path for each in server.requests] == ["/register", "/update"]


def test_the_file_of_accounts_need_not_exist(server: StandInHttpServer, tmp_path: Path) -> None:
    storage = tmp_path / "accounts.json"
    with pytest.raises(ConfigurationError):
        acme_dns(server, storage).present(record())
    assert server.requests[0].body is None
    assert list(json.loads(storage.read_text())) == ["example.test"]
    assert [each.name for each in tmp_path.iterdir()] == ["accounts.json"]


def test_the_password_of_an_account_is_masked(server: StandInHttpServer, tmp_path: Path) -> None:
    storage = tmp_path / "accounts.json"
    storage.write_text(json.dumps({"example.test": ACCOUNT}))
    server.answer = lambda request: (401, {"error": f"forbidden {request.headers['x-api-key']}"})
    with pytest.raises(ProviderError, match=r'/update: status 401 {"error": "forbidden \*\*\*"}'):
        acme_dns(server, storage).present(record())


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("{", r"ACME_DNS_STORAGE_PATH: .*accounts\.json: Input data was truncated"),
        ("[]", r"ACME_DNS_STORAGE_PATH: .*accounts\.json: Expected `object`"),
        ('{"example.test": {"fulldomain": "x"}}', "missing required field `subdomain`"),
    ],
)
def test_a_broken_file_is_an_error_and_is_kept(
    server: StandInHttpServer, tmp_path: Path, content: str, error: str
) -> None:
    storage = tmp_path / "accounts.json"
    storage.write_text(content)
    with pytest.raises(ConfigurationError, match=error):
        acme_dns(server, storage).present(record())
    assert storage.read_text() == content
    assert server.requests == []


def test_a_registration_that_cannot_be_stored_is_an_error(server: StandInHttpServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ACME_DNS_STORAGE_PATH: cannot write .*: No such file"):
        acme_dns(server, tmp_path / "missing" / "accounts.json").present(record())
    assert server.requests == []


def test_an_unexpected_registration_is_an_error(server: StandInHttpServer, tmp_path: Path) -> None:
    server.answer = lambda _: (201, {"fulldomain": "x"})
    with pytest.raises(ProviderError, match="unexpected response to a registration"):
        acme_dns(server, tmp_path / "accounts.json").present(record())


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({"ACME_DNS_API_BASE": ""}, "^ACME_DNS_API_BASE is not set"),
        ({"ACME_DNS_API_BASE": "auth.test"}, "^ACME_DNS_API_BASE is no URL"),
        ({"ACME_DNS_STORAGE_PATH": ""}, "^ACME_DNS_STORAGE_PATH is not set"),
        ({"ACME_DNS_STORAGE_BASE_URL": "http://x"}, "^ACME_DNS_STORAGE_BASE_URL is not supported"),
    ],
)
def test_wrong_variables_are_errors(server: StandInHttpServer, variables: dict[str, str], error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        acme_dns(server, Path("accounts.json"), **variables)
