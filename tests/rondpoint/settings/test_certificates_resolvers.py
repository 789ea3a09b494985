"""Certificates resolvers mean the same in every spelling of Traefik 3 and of Traefik 1."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondpoint.diagnostics import Severity
from rondpoint.settings import ResolverOptions, Settings
from rondpoint.settings.tree.section import as_dict
from rondpoint.tls.model import TlsDomain

from .loading import load_errors, load_settings

WEB = ["--entryPoints.web.address=:80", "--entryPoints.websecure.address=:443"]
R = "--certificatesResolvers.le.acme"


def resolver(settings: Settings, name: str = "le") -> ResolverOptions:
    return settings.acme_resolvers[name]


def test_the_defaults_are_traefiks() -> None:
    options = ResolverOptions()
    assert options.ca_server == "https://acme-v02.api.letsencrypt.org/directory"
    assert (options.storage, options.key_type, options.certificates_duration) == (
        "acme.json",
        "RSA4096",
        2160,
    )
    assert (options.client_timeout, options.client_response_header_timeout) == (120, 30)
    assert (options.certificate_timeout, options.challenges) == (30, ())


YAML = """
entryPoints: {web: {address: ":80"}, websecure: {address: ":443"}}
certificatesResolvers:
  le:
    acme:
      email: a@b.test
      caServer: https://ca.test/dir
      caCertificates: [ca.pem, other.pem]
      caSystemCertPool: true
      caServerName: pebble
      storage: /data/acme.json
      keyType: EC256
      certificatesDuration: 24
      preferredChain: Root X
      profile: shortlived
      emailAddresses: [c@d.test]
      disableCommonName: true
      eab: {kid: k, hmacEncoded: aGk}
      httpChallenge: {entryPoint: web, delay: 1s}
      tlsChallenge: {delay: 2s}
      dnsChallenge:
        provider: rfc2136
        resolvers: ["1.1.1.1:53"]
        propagation: {disableChecks: true, disableANSChecks: true, requireAllRNS: true, delayBeforeChecks: 3s}
      clientTimeout: 1m
      clientResponseHeaderTimeout: 10s
      certificateTimeout: 40s
"""
FLAGS = [
    f"{R}.email=a@b.test",
    f"{R}.caserver=https://ca.test/dir",
    f"{R}.cacertificates=ca.pem,other.pem",
    f"{R}.casystemcertpool",
    f"{R}.caservername=pebble",
    f"{R}.storage=/data/acme.json",
    f"{R}.keytype=EC256",
    f"{R}.certificatesduration=24",
    f"{R}.preferredchain=Root X",
    f"{R}.profile=shortlived",
    f"{R}.emailaddresses=c@d.test",
    f"{R}.disablecommonname=true",
    f"{R}.eab.kid=k",
    f"{R}.eab.hmacencoded=aGk",
    f"{R}.httpchallenge.entrypoint=web",
    f"{R}.httpchallenge.delay=1",
    f"{R}.tlschallenge",
    f"{R}.tlschallenge.delay=2",
    f"{R}.dnschallenge=true",
    f"{R}.dnschallenge.provider=rfc2136",
    f"{R}.dnschallenge.resolvers=1.1.1.1:53",
    f"{R}.dnschallenge.propagation.disablechecks=true",
    f"{R}.dnschallenge.propagation.disableanschecks=true",
    f"{R}.dnschallenge.propagation.requireallrns=true",
    f"{R}.dnschallenge.propagation.delaybeforechecks=3",
    f"{R}.clienttimeout=60",
    f"{R}.clientresponseheadertimeout=10",
    f"{R}.certificatetimeout=40",
]


def test_a_resolver_means_the_same_in_file_flags_and_environment(tmp_path: Path) -> None:
    (tmp_path / "flags").mkdir()
    from_file = load_settings(tmp_path, traefik_yml=YAML)
    from_flags = load_settings(tmp_path / "flags", [*WEB, *FLAGS])
    environ = {
        "RONDPOINT_" + name[2:].upper().replace(".", "_"): value or "true"
        for name, _, value in (flag.partition("=") for flag in FLAGS)
    }
    from_environment = load_settings(tmp_path / "flags", WEB, environ)
    assert from_file.warnings == from_flags.warnings == from_environment.warnings == ()
    options = resolver(from_file.settings)
    assert options == resolver(from_flags.settings) == resolver(from_environment.settings)
    unset = [name for name, value in as_dict(options).items() if value == getattr(ResolverOptions(), name)]
    assert unset == ["domains", "entry_point", "on_host_rule"]
    assert options.challenges == ("tls-alpn-01", "http-01", "dns-01")
    assert from_file.settings.http_challenge_entry_points == {"web"}


@pytest.mark.parametrize(
    ("flags", "challenges"),
    [
        ([f"{R}.tlschallenge"], ("tls-alpn-01",)),
        ([f"{R}.tlschallenge=true"], ("tls-alpn-01",)),
        ([f"{R}.httpchallenge.entrypoint=web"], ("http-01",)),
        ([f"{R}.dnschallenge.provider=exec"], ("dns-01",)),
    ],
)
def test_each_challenge_has_its_spellings(
    tmp_path: Path, flags: list[str], challenges: tuple[str, ...]
) -> None:
    assert resolver(load_settings(tmp_path, [*WEB, *flags]).settings).challenges == challenges


def test_the_older_spellings_of_propagation_count(tmp_path: Path) -> None:
    dns = f"{R}.dnsChallenge"
    flags = [f"{dns}.provider=exec", f"{dns}.delayBeforeCheck=5", f"{dns}.disablePropagationCheck=true"]
    challenge = resolver(load_settings(tmp_path, flags).settings).dns_challenge
    assert challenge is not None
    assert (challenge.seconds_before_checks, challenge.checks_propagation) == (5, False)
    newer = [f"{dns}.propagation.delayBeforeChecks=7"]
    challenge = resolver(load_settings(tmp_path, [*flags, *newer]).settings).dns_challenge
    assert challenge is not None
    assert challenge.seconds_before_checks == 7


def test_names_keep_their_spelling_and_variables_take_it_from_flags(tmp_path: Path) -> None:
    flags = ["--certificatesResolvers.myLE.acme.tlsChallenge"]
    environ = {"RONDPOINT_CERTIFICATESRESOLVERS_MYLE_ACME_EMAIL": "a@b.test"}
    settings = load_settings(tmp_path, flags, environ).settings
    assert {name: each.email for name, each in settings.acme_resolvers.items()} == {"myLE": "a@b.test"}
    (fault,) = load_errors(tmp_path, ["--certificatesResolvers.a@b.acme.tlsChallenge"])
    assert "bad name 'a@b' for a certificates resolver" in fault.message


UNUSABLE = {
    "no challenge": ([f"{R}.email=a@b.test"], "the certificates resolver le obtains nothing"),
    "no entry point": ([f"{R}.httpChallenge"], "the certificates resolver le obtains nothing"),
    "no provider": ([f"{R}.dnsChallenge.resolvers=1.1.1.1"], "the certificates resolver le obtains nothing"),
    "unknown": (["--entryPoints.web.http.tls.certResolver=l"], "there is no certificates resolver l"),
    "tailscale": (["--certificatesResolvers.ts.tailscale"], "ts.tailscale is not served"),
    "spire": (["--certificatesResolvers.sp.spire"], "sp.spire is not served"),
}


@pytest.mark.parametrize(("flags", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_resolver_that_obtains_nothing_is_named_and_rondpoint_starts(
    tmp_path: Path, flags: list[str], message: str
) -> None:
    (found,) = load_settings(tmp_path, [*WEB, *flags]).warnings
    assert message in found.message
    assert found.subject == "flag " + flags[0].partition("=")[0]


REFUSED = {
    "key type": (f"{R}.keyType=RSA1024", "EC256, EC384, RSA2048, RSA4096, RSA8192"),
    "directory": (f"{R}.caServer=ca.test", "the URL of an ACME directory"),
    "duration": (f"{R}.certificatesDuration=0", "expected 1 or more"),
    "entry point": (f"{R}.httpChallenge.entryPoint=wbe", "expected one of web, websecure, traefik"),
    "time limits": (f"{R}.clientTimeout=10", "set clientTimeout to the same time or more"),
    "domains": ("--entryPoints.web.http.tls.domains[0].name=a", "unknown key name; expected main and sans"),
    "no main": ("--entryPoints.web.http.tls.domains[0].main=", "expected main and sans"),
    "unknown list": ("--entryPoints.web.http.tls.domain[0].main=a", "domains"),
}


@pytest.mark.parametrize(("flag", "hint"), REFUSED.values(), ids=REFUSED)
def test_an_unusable_value_is_refused(tmp_path: Path, flag: str, hint: str) -> None:
    (fault,) = load_errors(tmp_path, [*WEB, f"{R}.tlsChallenge", flag])
    assert hint in fault.hint


TLS = "--entryPoints.websecure.http.tls"
WANTED = (TlsDomain("a.test", ("b.test", "c.test")), TlsDomain("*.d.test"))


def test_domains_of_an_entry_point_mean_the_same_in_every_source(tmp_path: Path) -> None:
    flags = [
        f"{TLS}.domains[0].main=a.test",
        f"{TLS}.domains[0].sans=b.test,c.test",
        f"{TLS}.domains[1].main=*.d.test",
    ]
    variable = "RONDPOINT_ENTRYPOINTS_WEBSECURE_HTTP_TLS_DOMAINS"
    environ = {
        f"{variable}_0_MAIN": "a.test",
        f"{variable}_0_SANS": "b.test, c.test",
        f"{variable}_1_MAIN": "*.d.test",
    }
    yaml = "{main: a.test, sans: [b.test, c.test]}, {main: '*.d.test'}"
    file = f"entryPoints: {{websecure: {{address: ':443', http: {{tls: {{domains: [{yaml}]}}}}}}}}"
    for loaded in (
        load_settings(tmp_path, [*WEB, *flags]),
        load_settings(tmp_path, WEB, environ),
        load_settings(tmp_path, traefik_yml=file),
    ):
        tls = loaded.settings.entry_points["websecure"].http.tls
        assert tls is not None
        assert tls.domains == WANTED
        assert (loaded.warnings, loaded.settings.tls_entry_points) == ((), {"websecure"})


def test_a_stronger_source_replaces_the_whole_list(tmp_path: Path) -> None:
    file = "entryPoints: {websecure: {http: {tls: {domains: [{main: old.test}, {main: other.test}]}}}}"
    loaded = load_settings(tmp_path, [*WEB, f"{TLS}.domains[0].main=new.test"], traefik_yml=file)
    tls = loaded.settings.entry_points["websecure"].http.tls
    assert tls is not None
    assert tls.domains == (TlsDomain("new.test"),)


def test_an_entry_point_names_the_options_of_its_routers(tmp_path: Path) -> None:
    tls = (
        load_settings(tmp_path, [*WEB, f"{TLS}.options=strict@file"])
        .settings.entry_points["websecure"]
        .http.tls
    )
    assert tls is not None
    assert tls.options == "strict@file"


def test_by_pass_leaves_challenges_to_routers(tmp_path: Path) -> None:
    flags = [*WEB, f"{R}.httpChallenge.entryPoint=web", "--entryPoints.web.allowACMEByPass=true"]
    settings = load_settings(tmp_path, flags).settings
    assert settings.entry_points["web"].allow_acme_by_pass
    assert settings.http_challenge_entry_points == {"web"}


OF_V1 = """
defaultEntryPoints = ["http", "https"]
[entryPoints.http]
address = ":80"
[entryPoints.https]
address = ":443"
[entryPoints.https.tls]
[acme]
email = "a@b.test"
storage = "acme.json"
entryPoint = "https"
onHostRule = true
caServer = "https://ca.test/dir"
keyType = "EC384"
acmeLogging = true
[acme.httpChallenge]
entryPoint = "http"
[[acme.domains]]
main = "a.test"
sans = ["b.test", "c.test"]
[[acme.domains]]
main = "*.d.test"
"""


def test_acme_of_traefik_1_is_a_resolver_for_its_entry_point(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, traefik_toml=OF_V1)
    settings = loaded.settings
    options = resolver(settings, "acme")
    assert (options.email, options.storage, options.key_type) == ("a@b.test", "acme.json", "EC384")
    assert (options.challenges, options.domains) == (("http-01",), WANTED)
    tls = settings.entry_points["https"].http.tls
    assert tls is not None
    assert tls.cert_resolver == "acme"
    assert settings.entry_points["http"].http.tls is None
    assert (settings.tls_entry_points, settings.http_challenge_entry_points) == ({"https"}, {"http"})
    (warning,) = loaded.warnings
    assert warning.message.startswith("acme.acmeLogging has no effect")


def test_without_on_host_rule_only_the_named_domains_are_ordered(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, traefik_toml=OF_V1.replace("onHostRule = true", "onHostRule = false"))
    assert loaded.settings.entry_points["https"].http.tls is None
    assert resolver(loaded.settings, "acme").domains == WANTED


def test_a_resolver_of_the_entry_points_own_wins_over_on_host_rule(tmp_path: Path) -> None:
    own = ["--entryPoints.https.http.tls.certResolver=le", f"{R}.tlsChallenge"]
    tls = load_settings(tmp_path, own, traefik_toml=OF_V1).settings.entry_points["https"].http.tls
    assert tls is not None
    assert tls.cert_resolver == "le"


DNS = "dnsChallenge"
FLAGS_OF_V1 = {
    "dns": (
        ["--acme.dnsProvider=exec", "--acme.delayDontCheckDNS=5"],
        [f"{R}.{DNS}.provider=exec", f"{R}.{DNS}.delayBeforeCheck=5s"],
    ),
    "dns options": (
        [f"--acme.{DNS}.provider=exec", f"--acme.{DNS}.resolvers=1.1.1.1,8.8.8.8:53"],
        [f"{R}.{DNS}.provider=exec", f"{R}.{DNS}.resolvers=1.1.1.1,8.8.8.8:53"],
    ),
    "dns checks": (
        [f"--acme.{DNS}.provider=exec", f"--acme.{DNS}.disablePropagationCheck"],
        [f"{R}.{DNS}.provider=exec", f"{R}.{DNS}.disablePropagationCheck=true"],
    ),
    "tls": (["--acme.tlsChallenge"], [f"{R}.tlsChallenge=true"]),
    "domains": (
        ["--acme.tlsChallenge", "--acme.domains=a.test,b.test;c.test", "--acme.domains=*.d.test"],
        [
            f"{R}.tlsChallenge",
            f"{R}.domains[0].main=a.test",
            f"{R}.domains[0].sans=b.test,c.test",
            f"{R}.domains[1].main=*.d.test",
        ],
    ),
    "file": (
        ["--acme.tlsChallenge", "--acme.storageFile=a.json", "--acme.preferredChain=X"],
        [f"{R}.tlsChallenge", f"{R}.storage=a.json", f"{R}.preferredChain=X"],
    ),
}


@pytest.mark.parametrize(("of_v1", "of_v3"), FLAGS_OF_V1.values(), ids=FLAGS_OF_V1)
def test_flags_of_traefik_1_mean_those_of_traefik_3(
    tmp_path: Path, of_v1: list[str], of_v3: list[str]
) -> None:
    translated = load_settings(tmp_path, of_v1)
    assert translated.warnings == ()
    assert resolver(translated.settings, "acme") == resolver(load_settings(tmp_path, of_v3).settings)


def test_options_of_traefik_1_that_are_refused_say_why(tmp_path: Path) -> None:
    flags = ["--acme.tlsChallenge", "--acme.onDemand=true", "--acme.overrideCertificates", "--cluster.node=a"]
    found = [each.message for each in load_settings(tmp_path, flags).warnings]
    assert [message.split(":")[0] for message in found] == [
        "acme.onDemand is not served",
        "acme.overrideCertificates has no effect",
        "cluster has no effect",
    ]
    assert "clients that make up host names use up the limits of the authority" in found[0]


def test_an_error_severity_marks_what_does_not_work(tmp_path: Path) -> None:
    (fault,) = load_settings(tmp_path, [f"{R}.email=a@b.test"]).warnings
    assert fault.severity is Severity.ERROR
