"""Tests of dynamic updates, with BIND."""

from pathlib import Path

import pytest

from discovery.acme.dns.errors import ConfigurationError, DnsChallengeError, ProviderError, QueryError
from discovery.acme.dns.providers.contract import DnsProvider
from tests.discovery.acme.dns.name_server import StandInNameServer
from tests.discovery.acme.dns.providing import provider, record
from tests.lab.bind import KEY, SECRET, Bind

SIGNED = {
    "RFC2136_TSIG_KEY": KEY,
    "RFC2136_TSIG_SECRET": SECRET,
    "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
}


def rfc2136(bind: Bind, **variables: str) -> DnsProvider:
    return provider("rfc2136", {"RFC2136_NAMESERVER": bind.address, **SIGNED, **variables})


def test_a_name_and_its_wildcard_have_a_value_each_at_the_same_time(bind: Bind) -> None:
    made = rfc2136(bind)
    base, wildcard = record("two.example.test", "one"), record("two.example.test", "two")
    made.present(base)
    made.present(wildcard)
    assert bind.texts(base.name) == sorted([base.value, wildcard.value])
    made.clean_up(base)
    assert bind.texts(base.name) == [wildcard.value]
    made.clean_up(wildcard)
    assert bind.texts(base.name) == []
    made.clean_up(wildcard)


def test_lego_s_other_prefix_works_too(bind: Bind) -> None:
    variables = {name.replace("RFC2136", "DNSUPDATE"): value for name, value in SIGNED.items()}
    made = provider("dnsupdate", {"DNSUPDATE_NAMESERVER": bind.address, "DNSUPDATE_TTL": "7", **variables})
    made.present(record("other.example.test"))
    assert bind.texts("_acme-challenge.other.example.test") == [record("other.example.test").value]
    assert made.timing.ttl == 7


def test_the_key_may_be_in_a_file_of_tsig_keygen(bind: Bind, tmp_path: Path) -> None:
    file = tmp_path / "update.key"
    file.write_text(f'key "{KEY}" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n')
    made = provider("rfc2136", {"RFC2136_NAMESERVER": bind.address, "RFC2136_TSIG_FILE": str(file)})
    made.present(record("file.example.test"))
    assert bind.texts("_acme-challenge.file.example.test") == [record("file.example.test").value]


@pytest.mark.parametrize(
    ("variables", "name", "error", "hint"),
    [
        ({"RFC2136_TSIG_SECRET": "d3Jvbmc="}, "a.example.test", "refuses the TSIG key", "another secret"),
        ({"RFC2136_TSIG_ALGORITHM": "hmac-sha1"}, "a.example.test", "refuses the TSIG key", "and algorithm"),
        ({"RFC2136_TSIG_KEY": "unknown.key"}, "a.example.test", "refuses the TSIG key", "not know a key"),
        (
            {"RFC2136_TSIG_KEY": "", "RFC2136_TSIG_SECRET": ""},
            "a.example.test",
            "refuses the update of _acme-challenge.a.example.test.: REFUSED",
            "allow-update",
        ),
        ({"RFC2136_ZONES": "other.test"}, "a.other.test", "refuses the update .*: NOTAUTH", "primary"),
    ],
)
def test_a_refused_update_says_what_to_mend(
    bind: Bind, variables: dict[str, str], name: str, error: str, hint: str
) -> None:
    made = rfc2136(bind, **variables)
    with pytest.raises(ProviderError, match=error) as caught:
        made.present(record(name))
    assert hint in caught.value.hint
    assert bind.texts(record(name).name) == []


def test_a_name_outside_the_server_s_zones_is_an_error(bind: Bind) -> None:
    with pytest.raises(QueryError, match=r"no zone of _acme-challenge\.a\.other\.test\. was found"):
        rfc2136(bind).present(record("a.other.test"))
    with pytest.raises(ConfigurationError, match=r"none of the zones in RFC2136_ZONES holds"):
        rfc2136(bind, RFC2136_ZONES="ample.test, sub.example.test").present(record("a.example.test"))


def test_a_silent_server_is_an_error_after_the_time_out() -> None:
    with StandInNameServer() as silent:
        silent.silent = True
        made = provider(
            "rfc2136",
            {
                "RFC2136_NAMESERVER": f"127.0.0.1:{silent.port}",
                "RFC2136_ZONES": "example.test",
                "RFC2136_DNS_TIMEOUT": "1",
            },
        )
        with pytest.raises(ProviderError, match=r"no update by name server 127\.0\.0\.1 \(port \d+\): "):
            made.present(record())
        assert silent.asked == ["example.test. SOA"]


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({"RFC2136_NAMESERVER": ""}, "^RFC2136_NAMESERVER is not set"),
        ({"RFC2136_NAMESERVER": "127.0.0.1:x"}, "'x' is not a port"),
        ({"RFC2136_TSIG_KEY": ""}, "^RFC2136_TSIG_KEY is not set"),
        ({"RFC2136_TSIG_SECRET": ""}, "^RFC2136_TSIG_SECRET is not set"),
        ({"RFC2136_TSIG_SECRET": "not base64"}, r"^the secret of TSIG key rondpoint\.key is not base64$"),
        ({"RFC2136_TSIG_ALGORITHM": "gss-tsig."}, "^unknown TSIG algorithm gss-tsig"),
        ({"RFC2136_TSIG_KEY": "a..b"}, r"^RFC2136_TSIG_KEY: 'a\.\.b' is not a key's name"),
        ({"RFC2136_TSIG_FILE": "/nonexistent"}, "^RFC2136_TSIG_FILE: cannot read /nonexistent: No such file"),
        ({"RFC2136_TSIG_FILE": __file__}, "^RFC2136_TSIG_FILE: .* holds no TSIG key"),
        ({"RFC2136_TTL": "soon"}, "^RFC2136_TTL is no whole number"),
    ],
)
def test_wrong_variables_are_errors_before_any_update(variables: dict[str, str], error: str) -> None:
    with pytest.raises(DnsChallengeError, match=error) as caught:
        provider("rfc2136", {"RFC2136_NAMESERVER": "127.0.0.1", **SIGNED, **variables})
    assert isinstance(caught.value, ConfigurationError)
    assert SECRET not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "algorithm", ["hmac-sha224", "HMAC-SHA384", "hmac-sha512.", "hmac-md5.sig-alg.reg.int."]
)
def test_every_algorithm_of_lego_is_known(algorithm: str) -> None:
    variables = {"RFC2136_NAMESERVER": "127.0.0.1", **SIGNED, "RFC2136_TSIG_ALGORITHM": algorithm}
    assert provider("rfc2136", variables).timing.ttl == 120
