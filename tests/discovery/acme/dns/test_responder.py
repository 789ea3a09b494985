"""Tests of DNS-01 as a whole: with a real CA, a real name server, and checks of propagation."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from lexicon.config import ConfigResolver

from discovery.acme.challenges.challenge import ResponderError
from discovery.acme.dns.errors import ConfigurationError, QueryError, StoppedError
from discovery.acme.dns.name_servers import NameServer, NameServers
from discovery.acme.dns.options import DnsChallengeOptions, Propagation, options_of
from discovery.acme.dns.propagation import wait_until_visible
from discovery.acme.dns.responder import Dns01Responder
from discovery.acme.dns.timing import Timing
from discovery.acme.orders.failures import FailureKind, OrderError
from discovery.acme.orders.options import CertificateOptions
from discovery.acme.orders.order import OrderRequest, obtain
from rondpoint.settings.tree.certificates_resolvers import DnsChallenge
from tests.discovery.acme.dns.conftest import ALIAS
from tests.discovery.acme.dns.http_server import Request, StandInHttpServer
from tests.discovery.acme.dns.name_server import StandInNameServer
from tests.discovery.acme.dns.providing import challenge, record
from tests.discovery.acme.dns.test_rfc2136 import SIGNED
from tests.discovery.acme.orders.conftest import connect
from tests.lab.bind import Bind
from tests.lab.pebble import Pebble
from tests.lab.waiting import until


def responder(
    bind: Bind,
    options: DnsChallengeOptions | None = None,
    *,
    stop: threading.Event | None = None,
    **variables: str,
) -> Dns01Responder:
    """Make a responder whose authoritative and recursive name server is `bind`."""
    known = NameServers([NameServer("bind", ("127.0.0.1",), bind.port)], authoritative_port=bind.port)
    return Dns01Responder(
        options or DnsChallengeOptions("rfc2136"),
        stop or threading.Event(),
        variables={"RFC2136_NAMESERVER": bind.address, **SIGNED, **variables},
        make_name_servers=lambda _: known,
    )


def order(ca: Pebble, answering: Dns01Responder, *names: str) -> set[str]:
    """Order a certificate; return its names."""
    request = OrderRequest(names, CertificateOptions(key_type="EC256"))
    issued = obtain(connect(ca, []), request, [answering], None, lambda pending: None)
    leaf = x509.load_pem_x509_certificate(issued.chain.encode())
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


@pytest.fixture(scope="session")
def ca(bind: Bind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    """A CA that asks BIND."""
    with Pebble(tmp_path_factory.mktemp("pebble-dns"), bind.address) as running:
        yield running


def test_a_wildcard_and_its_domain_are_certified_in_one_order(bind: Bind, ca: Pebble) -> None:
    wanted = {"*.whole.example.test", "whole.example.test"}
    assert order(ca, responder(bind), *wanted) == wanted
    assert bind.texts("_acme-challenge.whole.example.test") == []


def test_recursive_name_servers_are_checked_too(bind: Bind, ca: Pebble) -> None:
    options = DnsChallengeOptions("rfc2136", propagation=Propagation(require_all_rns=True))
    answering = responder(bind, options, RFC2136_POLLING_INTERVAL="0")
    assert order(ca, answering, "recursive.example.test") == {"recursive.example.test"}


def test_the_record_is_created_where_the_alias_leads(bind: Bind, ca: Pebble) -> None:
    answering = responder(bind)
    answering.present(challenge("aliased.example.test"))
    assert bind.texts(ALIAS) == [challenge().text]
    answering.clean_up(challenge("aliased.example.test"))
    assert bind.texts(ALIAS) == []
    assert order(ca, answering, "aliased.example.test") == {"aliased.example.test"}


def test_aliases_are_not_followed_if_a_variable_says_so(bind: Bind) -> None:
    answering = responder(bind, LEGO_DISABLE_CNAME_SUPPORT="true")
    # BIND keeps the alias and ignores a TXT record beside it.
    answering.present(challenge("aliased.example.test"))
    assert bind.texts(ALIAS) == []


def test_a_record_that_stays_invisible_fails_the_order_and_is_deleted(bind: Bind, ca: Pebble) -> None:
    with StandInNameServer() as other:
        known = NameServers(
            [NameServer("bind", ("127.0.0.1",), bind.port)], authoritative_port=other.port, timeout=1
        )
        answering = Dns01Responder(
            DnsChallengeOptions("rfc2136"),
            threading.Event(),
            variables={
                "RFC2136_NAMESERVER": bind.address,
                "RFC2136_PROPAGATION_TIMEOUT": "0",
                **SIGNED,
            },
            make_name_servers=lambda _: known,
        )
        with pytest.raises(OrderError) as caught:
            order(ca, answering, "invisible.example.test")
    failure = caught.value.failure
    assert failure.kind is FailureKind.CHALLENGE
    assert "has no TXT record _acme-challenge.invisible.example.test." in failure.message
    assert "RFC2136_PROPAGATION_TIMEOUT" in failure.hint
    assert bind.texts("_acme-challenge.invisible.example.test") == []


def test_credentials_are_read_at_each_call(bind: Bind, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("d3Jvbmc=\n")
    answering = responder(bind, RFC2136_TSIG_SECRET="", RFC2136_TSIG_SECRET_FILE=str(secret))
    with pytest.raises(ResponderError, match="refuses the TSIG key"):
        answering.present(challenge("exchanged.example.test"))
    secret.write_text(SIGNED["RFC2136_TSIG_SECRET"])
    answering.present(challenge("exchanged.example.test"))
    assert bind.texts("_acme-challenge.exchanged.example.test") == [challenge().text]


def test_records_are_deleted_even_while_the_agent_stops(bind: Bind) -> None:
    stop = threading.Event()
    with StandInHttpServer() as server:
        options = DnsChallengeOptions("httpreq")
        answering = responder(bind, options, stop=stop, HTTPREQ_ENDPOINT=server.url)
        answering.present(challenge())
        stop.set()
        with pytest.raises(StoppedError):
            answering.present(challenge(token="second"))
        answering.clean_up(challenge())
    assert [each.path for each in server.requests if _asks_for(each, challenge().text)] == [
        "/present",
        "/cleanup",
    ]


def _asks_for(request: Request, value: str) -> bool:
    return bool(request.body["value"] == value)


def test_only_what_was_presented_is_deleted(bind: Bind) -> None:
    with StandInHttpServer() as server:
        answering = responder(bind, DnsChallengeOptions("httpreq"), HTTPREQ_ENDPOINT=server.url)
        answering.clean_up(challenge())
        assert server.requests == []
        server.answer = lambda _: (500, {})
        with pytest.raises(ResponderError):
            answering.present(challenge())
        server.answer = lambda _: (200, {})
        # The failed call may have created the record.
        answering.clean_up(challenge())
        assert [each.path for each in server.requests] == ["/present", "/cleanup"]


def test_a_provider_with_one_value_for_each_name_refuses_a_second_one(
    bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class DuckDns:
        """Stands in for dns-lexicon's provider, which would call the service."""

        def __init__(self, config: ConfigResolver) -> None:
            self.values = [
                str(config.resolve("lexicon:domain")),
                str(config.resolve("lexicon:duckdns:auth_token")),
            ]
            made.append(self)

        def authenticate(self) -> None:
            self.values.append("authenticated")

        def create_record(self, rtype: str, name: str, content: str) -> bool:
            self.values += [rtype, name, content]
            return True

        def cleanup(self) -> None:
            self.values.append("closed")

    monkeypatch.setattr("discovery.acme.dns.providers.lexicon.load_provider", lambda _: DuckDns)
    answering = responder(bind, DnsChallengeOptions("duckdns"), DUCKDNS_TOKEN="secret")
    first, second = challenge("x.a.duckdns.org", "one"), challenge("x.a.duckdns.org", "two")
    answering.present(first)
    values = ["a.duckdns.org", "secret", "authenticated", "TXT", "_acme-challenge.x", first.text, "closed"]
    assert [each.values for each in made] == [values]
    with pytest.raises(ConfigurationError, match=r"^duckdns holds one TXT record for _acme-challenge\.x\."):
        answering.present(second)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (DnsChallengeOptions(""), "^dnsChallenge.provider is not set$"),
        (DnsChallengeOptions("rfc2137"), "^unknown DNS provider 'rfc2137'$"),
        (DnsChallengeOptions("httpreq"), "^HTTPREQ_ENDPOINT is not set$"),
        (DnsChallengeOptions("exec", ("127.0.0.1:dns",)), "^name server 127.0.0.1:dns: 'dns' is not a port$"),
    ],
)
def test_a_check_finds_what_is_wrong_before_any_order(options: DnsChallengeOptions, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        Dns01Responder(options, threading.Event(), variables={}).check()


def test_without_a_name_server_that_answers_nothing_is_created(bind: Bind) -> None:
    with StandInNameServer() as silent, StandInHttpServer() as server:
        silent.silent = True
        answering = Dns01Responder(
            DnsChallengeOptions("httpreq"),
            threading.Event(),
            variables={"HTTPREQ_ENDPOINT": server.url},
            make_name_servers=lambda _: NameServers(
                [NameServer("silent", ("127.0.0.1",), silent.port)], timeout=0.1
            ),
        )
        with pytest.raises(QueryError, match="does not answer"):
            answering.present(challenge())
        assert server.requests == []


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"provider": " exec "}, DnsChallengeOptions("exec")),
        (
            {"provider": "exec", "resolvers": "192.0.2.1:53,192.0.2.2", "delay_before_check": "5"},
            DnsChallengeOptions("exec", ("192.0.2.1:53", "192.0.2.2"), Propagation(delay_before_checks=5.0)),
        ),
        (
            {"provider": "exec", "disable_propagation_check": "true"},
            DnsChallengeOptions("exec", propagation=Propagation(disable_checks=True)),
        ),
        (
            {
                "provider": "exec",
                "delay_before_check": "5",
                "propagation": {
                    "delay_before_checks": "7",
                    "disable_ans_checks": "true",
                    "require_all_rns": "true",
                    "disable_checks": "true",
                },
            },
            DnsChallengeOptions("exec", propagation=Propagation(7.0, True, True, True)),
        ),
    ],
)
def test_settings_become_options(settings: dict[str, object], options: DnsChallengeOptions) -> None:
    assert options_of(DnsChallenge(**settings)) == options


@pytest.mark.parametrize(
    ("call", "query"),
    [
        ("alias", "_acme-challenge.example.test. CNAME"),
        ("update", "example.test. SOA"),
        ("check", "_acme-challenge.example.test. SOA"),
    ],
)
def test_a_query_to_a_silent_name_server_ends_when_the_agent_stops(call: str, query: str) -> None:
    stop = threading.Event()
    with StandInNameServer() as silent:
        silent.silent = True
        known = NameServers([NameServer("silent", ("127.0.0.1",), silent.port)], timeout=600)
        variables = {
            "RFC2136_NAMESERVER": f"127.0.0.1:{silent.port}",
            "RFC2136_ZONES": "example.test",
            "RFC2136_DNS_TIMEOUT": "600",
            "LEGO_DISABLE_CNAME_SUPPORT": str(call != "alias"),
        }
        answering = Dns01Responder(
            DnsChallengeOptions("rfc2136"), stop, variables=variables, make_name_servers=lambda _: known
        )

        def stop_it() -> None:
            until(lambda: silent.asked, "the query")
            stop.set()

        thread = threading.Thread(target=stop_it)
        thread.start()
        with pytest.raises(StoppedError, match="was interrupted"):
            if call == "check":
                wait_until_visible([record()], known, Propagation(), Timing(), stop, timeout_variable="X")
            else:
                answering.present(challenge())
        thread.join()
        assert silent.asked == [query]
