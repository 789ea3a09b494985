"""Settings with Traefik 1's names have the meaning that they have in Traefik 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rondpoint.settings import EtcdOptions, LogLevel, Settings, StoreTls, ZooKeeperOptions
from rondpoint.settings.tree.section import as_dict

from .loading import load_errors, load_settings

ARTICLE_1 = """
[docker]
domain = "docker"
endpoint = "unix:///var/run/docker.sock"
watch = true
"""
ARTICLE_2 = """
logLevel = "DEBUG"

[web]
address = ":8080"

[consulCatalog]
endpoint = "172.17.0.1:8500"
domain = "consul.local"
prefix = "traefik"
"""


def test_the_articles_first_scene(tmp_path: Path) -> None:
    result = load_settings(tmp_path, ["--web", "--docker", "--logLevel=DEBUG"], traefik_toml=ARTICLE_1)
    settings = result.settings
    assert result.warnings == ()
    assert result.file == tmp_path / "traefik.toml"
    assert settings.log.level is LogLevel.DEBUG
    assert settings.admin.address == ":8080"
    assert list(settings.web_entry_points) == ["web"]
    assert settings.providers.docker is not None
    assert settings.providers.docker.domain == "docker"
    assert settings.providers.docker.endpoint == "unix:///var/run/docker.sock"
    assert settings.providers.docker.watch is True


def test_the_articles_second_scene(tmp_path: Path) -> None:
    result = load_settings(tmp_path, traefik_toml=ARTICLE_2)
    assert result.settings.log.level is LogLevel.DEBUG
    assert result.settings.admin.address == ":8080"
    assert result.warnings == ()
    assert result.settings.providers.docker is None
    catalogue = result.settings.providers.consul_catalog
    assert catalogue is not None
    assert catalogue.endpoint.address == "172.17.0.1:8500"
    assert (catalogue.domain, catalogue.prefix) == ("consul.local", "traefik")
    assert catalogue.front_end_rule == "Host:{{.ServiceName}}.{{.Domain}}"
    assert catalogue.strict_checks == ("passing",)


def test_consul_sections_of_traefik_1(tmp_path: Path) -> None:
    text = """
[consulCatalog]
strictChecks = false
frontEndRule = "PathPrefix:/{{.ServiceName}}"
constraints = ["tag==api-*", "tag!=old"]
  [consulCatalog.tls]
  ca = "ca.pem"
[consul]
endpoint = "a:1,b:2"
prefix = "web"
watch = false
"""
    providers = load_settings(tmp_path, traefik_toml=text).settings.providers
    catalogue, keys = providers.consul_catalog, providers.consul
    assert catalogue is not None
    assert keys is not None
    assert catalogue.strict_checks == ("passing", "warning")
    assert catalogue.front_end_rule == "PathPrefix:/{{.ServiceName}}"
    assert catalogue.constraints == "tag==api-*, tag!=old"
    assert catalogue.endpoint.tls is not None
    assert catalogue.endpoint.tls.ca == "ca.pem"
    assert (keys.endpoints, keys.root_key, keys.watch) == (("a:1", "b:2"), "web", False)


def test_constraints_of_all_providers_are_added_to_those_of_each(tmp_path: Path) -> None:
    text = """
constraints = ["tag==live", "tag!=old"]
[docker]
constraints = ["tag==api-*"]
[consulCatalog]
"""
    result = load_settings(tmp_path, traefik_toml=text)
    docker, catalogue = result.settings.providers.docker, result.settings.providers.consul_catalog
    assert docker is not None
    assert catalogue is not None
    assert docker.constraints == "tag==live, tag!=old, tag==api-*"
    assert catalogue.constraints == "tag==live, tag!=old"
    assert result.warnings == ()


def test_constraints_are_accepted_without_a_provider_that_uses_them(tmp_path: Path) -> None:
    providers = load_settings(tmp_path, ["--constraints=tag==live", "--providers.consul"]).settings.providers
    assert (providers.docker, providers.consul_catalog) == (None, None)


@pytest.mark.parametrize(("store", "options"), [("etcd", EtcdOptions), ("zookeeper", ZooKeeperOptions)])
def test_the_sections_of_key_value_stores_of_traefik_1(
    tmp_path: Path, store: str, options: type[EtcdOptions | ZooKeeperOptions]
) -> None:
    text = f"""
[{store}]
endpoint = "zk1:2181,zk2:2181"
watch = false
prefix = "/routes"
username = "ann"
password = "pw"

  [{store}.tls]
  ca = "ca.crt"
  insecureSkipVerify = true
"""
    result = load_settings(tmp_path, traefik_toml=text)
    assert result.settings.providers.docker is None
    found = {"etcd": result.settings.providers.etcd, "zookeeper": result.settings.providers.zoo_keeper}
    assert found[store] == options(
        endpoints=("zk1:2181", "zk2:2181"),
        watch=False,
        root_key="/routes",
        username="ann",
        password="pw",
        tls=StoreTls(ca="ca.crt", insecure_skip_verify=True),
    )


def test_etcds_api_of_traefik_1_has_no_effect(tmp_path: Path) -> None:
    result = load_settings(tmp_path, traefik_toml="[etcd]\nuseAPIV3 = true\n")
    (diagnostic,) = result.warnings
    assert "etcd.useAPIV3 has no effect: Rondpoint always uses etcd's API v3" in diagnostic.message
    assert result.settings.closed_parts == ()


def test_consul_sections_of_traefik_3_keep_its_defaults(tmp_path: Path) -> None:
    flags = ["--providers.consulCatalog.endpoint.address=a:1", "--providers.consul.endpoints=a:1,b:2"]
    providers = load_settings(tmp_path, flags).settings.providers
    catalogue, keys = providers.consul_catalog, providers.consul
    assert catalogue is not None
    assert keys is not None
    assert (catalogue.strict_checks, catalogue.front_end_rule) == (("passing", "warning"), "")
    assert (keys.endpoints, keys.root_key, keys.watch) == (("a:1", "b:2"), "traefik", True)


Read = Callable[[Settings], object]
FILES: dict[str, tuple[str, Read, object]] = {
    "[docker] without keys": ("[docker]", lambda s: s.providers.docker and s.providers.docker.domain, ""),
    "exposedByDefault": (
        "[docker]\nexposedByDefault = false",
        lambda s: s.providers.docker and s.providers.docker.exposed_by_default,
        False,
    ),
    "network": (
        '[docker]\nnetwork = "web"',
        lambda s: s.providers.docker and s.providers.docker.network,
        "web",
    ),
    "usebindportip": (
        "[docker]\nusebindportip = true",
        lambda s: s.providers.docker and s.providers.docker.use_bind_port_ip,
        True,
    ),
    "[web] alone": ("[web]", lambda s: s.admin.address, ":8080"),
    "[web] address": ('[web]\naddress = "127.0.0.1:9"', lambda s: s.admin.address, "127.0.0.1:9"),
    "debug": ("debug = true", lambda s: s.log.level, LogLevel.DEBUG),
    "no debug": ("debug = false", lambda s: s.log.level, LogLevel.INFO),
    "[file] filename": (
        '[file]\nfilename = "rules.toml"',
        lambda s: s.providers.file and s.providers.file.filename,
        Path("rules.toml"),
    ),
    "[file] directory": (
        '[file]\ndirectory = "/rules"\nwatch = false',
        lambda s: s.providers.file and (s.providers.file.directory, s.providers.file.watch),
        (Path("/rules"), False),
    ),
    "[entryPoints.http]": (
        '[entryPoints.http]\naddress = ":80"',
        lambda s: {name: point.port for name, point in s.web_entry_points.items()},
        {"http": 80},
    ),
    "forwardedHeaders and proxyProtocol": (
        '[entryPoints.http]\naddress = ":80"\n[entryPoints.http.forwardedHeaders]\n'
        'trustedIPs = ["127.0.0.1/32", "192.168.1.7"]\n[entryPoints.http.proxyProtocol]\ninsecure = true',
        lambda s: [
            *map(str, s.entry_points["http"].forwarded_headers.trusted_ips),
            s.entry_points["http"].forwarded_headers.insecure,
            s.entry_points["http"].proxy_protocol.insecure,
        ],
        ["127.0.0.1/32", "192.168.1.7/32", False, True],
    ),
    "defaultEntryPoints": (
        'defaultEntryPoints = ["b"]\n[entryPoints.a]\naddress = ":81"\n[entryPoints.b]\naddress = ":82"',
        lambda s: s.default_entry_points,
        ("b",),
    ),
    "defaultEntryPoints with Traefik 1's default entry point": (
        'defaultEntryPoints = ["http"]',
        lambda s: {name: point.address for name, point in s.web_entry_points.items()},
        {"http": ":8000"},
    ),
    "graceTimeOut": (
        'graceTimeOut = "20s"',
        lambda s: {p.transport.life_cycle.grace_time_out for p in s.entry_points.values()},
        {20.0},
    ),
    "[lifeCycle]": (
        "[lifeCycle]\ngraceTimeOut = 7",
        lambda s: s.entry_points["web"].transport.life_cycle.grace_time_out,
        7.0,
    ),
    "[respondingTimeouts] for entry points without their own": (
        '[respondingTimeouts]\nreadTimeout = "5s"\n[entryPoints.a]\naddress = ":81"\n'
        '[entryPoints.b]\naddress = ":82"\n[entryPoints.b.transport.respondingTimeouts]\nreadTimeout = "6s"',
        lambda s: [p.transport.responding_timeouts.read_timeout for p in s.web_entry_points.values()],
        [5.0, 6.0],
    ),
    "[forwardingTimeouts]": (
        '[forwardingTimeouts]\ndialTimeout = "3s"\nresponseHeaderTimeout = "4s"',
        lambda s: (
            s.servers_transport.forwarding_timeouts.dial_timeout,
            s.servers_transport.forwarding_timeouts.response_header_timeout,
        ),
        (3.0, 4.0),
    ),
    "options of connections to servers": (
        'insecureSkipVerify = true\nmaxIdleConnsPerHost = 7\nrootCAs = ["/a.pem", "/b.pem"]',
        lambda s: (
            s.servers_transport.insecure_skip_verify,
            s.servers_transport.max_idle_conns_per_host,
            s.servers_transport.root_cas,
        ),
        (True, 7, ("/a.pem", "/b.pem")),
    ),
    "[retry]": (
        "[retry]\nattempts = 3",
        lambda s: s.servers_transport.retry_attempts,
        3,
    ),
    "[retry] alone": ("[retry]", lambda s: s.servers_transport.retry_attempts, 0),
    "[api] and [ping]": (
        "[api]\ndashboard = false\n[ping]",
        lambda s: (s.api.dashboard, s.ping is None),
        (False, False),
    ),
}


@pytest.mark.parametrize(("toml", "read", "value"), FILES.values(), ids=FILES)
def test_a_traefik_1_file(tmp_path: Path, toml: str, read: Read, value: object) -> None:
    result = load_settings(tmp_path, traefik_toml=toml)
    assert read(result.settings) == value
    assert result.warnings == ()


FLAGS: dict[str, tuple[list[str], Read, object]] = {
    "docker": (["--docker.domain=test"], lambda s: s.providers.docker and s.providers.docker.domain, "test"),
    "web": (["--web.address=:81"], lambda s: s.admin.address, ":81"),
    "entry points described": (
        ["--entryPoints=Name:http Address::80", "--entrypoints=Name:other Address:127.0.0.1:81"],
        lambda s: {name: point.address for name, point in s.web_entry_points.items()},
        {"http": ":80", "other": "127.0.0.1:81"},
    ),
    "trust described": (
        ["--entryPoints=Name:http Address::80 ForwardedHeaders.TrustedIPs:10.0.0.1,10.0.0.2"],
        lambda s: list(map(str, s.entry_points["http"].forwarded_headers.trusted_ips)),
        ["10.0.0.1/32", "10.0.0.2/32"],
    ),
    "switches described": (
        ["--entryPoints=Name:http Address::80 ProxyProtocol.Insecure:on ForwardedHeaders.Insecure:ENABLE"],
        lambda s: (
            s.entry_points["http"].proxy_protocol.insecure,
            s.entry_points["http"].forwarded_headers.insecure,
        ),
        (True, True),
    ),
    "switched off": (
        ["--entryPoints=Name:http Address::80 ProxyProtocol.Insecure:false Compress:false"],
        lambda s: (s.entry_points["http"].proxy_protocol.insecure, s.entry_points["http"].compress),
        (False, False),
    ),
    "time to accept": (
        ["--lifeCycle.requestAcceptGraceTimeout=10s", "--lifeCycle.graceTimeOut=3s"],
        lambda s: (s.accept_grace_seconds, s.grace_seconds),
        (10.0, 3.0),
    ),
    "ping and metrics on an entry point": (
        [
            "--entryPoints=Name:http Address::80",
            "--ping.entryPoint=http",
            "--metrics.prometheus.entryPoint=http",
        ],
        lambda s: (s.ping and s.ping.entry_point, s.metrics and s.metrics.prometheus.entry_point),
        ("http", "http"),
    ),
    "default entry points": (
        [
            "--entryPoints=Name:http Address::80",
            "--entryPoints=Name:b Address::81",
            "--defaultentrypoints=http",
        ],
        lambda s: s.default_entry_points,
        ("http",),
    ),
}


@pytest.mark.parametrize(("flags", "read", "value"), FLAGS.values(), ids=FLAGS)
def test_traefik_1_flags(tmp_path: Path, flags: list[str], read: Read, value: object) -> None:
    assert read(load_settings(tmp_path, flags).settings) == value


DESCRIPTION = """
Name:foo Address::80 Redirect.EntryPoint:https Redirect.Regex:http://localhost/(.*)
Redirect.Replacement:http://mydomain/$1 Redirect.Permanent:true Compress:true
WhiteList.SourceRange:10.42.0.0/16,152.89.1.33/32,afed:be44::/16 WhiteList.UseXForwardedFor:true
ProxyProtocol.TrustedIPs:192.168.0.1 ProxyProtocol.Insecure:true
ForwardedHeaders.TrustedIPs:10.0.0.3/24,20.0.0.3/24
Auth.Basic.Users:test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/ Auth.Basic.Removeheader:true
Auth.Digest.Users:test:traefik:a2688e031edb4be6a3797f3882655c05 Auth.Digest.Removeheader:true
Auth.HeaderField:X-WebAuth-User Auth.Forward.Address:https://authserver.com/auth
Auth.Forward.AuthResponseHeaders:X-Auth,X-Test,X-Secret Auth.Forward.TrustForwardHeader:true
Auth.Forward.TLS.CA:path/to/local.crt Auth.Forward.TLS.CAOptional:true Auth.Forward.TLS.Cert:path/to/foo.cert
Auth.Forward.TLS.Key:path/to/foo.key Auth.Forward.TLS.InsecureSkipVerify:true
"""
"""The options of Traefik 1's page on entry points, without those of TLS."""


def test_every_option_of_a_description_is_read(tmp_path: Path) -> None:
    flags = [f"--entryPoints={DESCRIPTION}", "--entryPoints=Name:https Address::443"]
    result = load_settings(tmp_path, flags)
    assert result.warnings == ()
    point = result.settings.entry_points["foo"]
    assert point.auth is not None
    assert point.auth.basic is not None
    assert point.auth.digest is not None
    assert point.auth.forward is not None
    assert point.auth.forward.tls is not None
    assert as_dict(point.auth.forward.tls) == {
        "ca": "path/to/local.crt",
        "ca_optional": True,
        "cert": "path/to/foo.cert",
        "key": "path/to/foo.key",
        "insecure_skip_verify": True,
    }
    assert point.auth.forward.auth_response_headers == ("X-Auth", "X-Test", "X-Secret")
    assert (point.auth.basic.remove_header, point.auth.digest.remove_header) == (True, True)
    assert point.white_list is not None
    assert (len(point.white_list.source_range), point.white_list.use_x_forwarded_for) == (3, True)
    assert point.redirect is not None
    assert (point.redirect.entry_point, point.redirect.permanent) == ("https", True)
    assert (point.compress, point.proxy_protocol.insecure) == (True, True)
    assert len(point.forwarded_headers.trusted_ips) == 2


def test_traefik_1_names_work_as_variables_too(tmp_path: Path) -> None:
    environ = {"RONDPOINT_DOCKER_DOMAIN": "test", "RONDPOINT_WEB": "true", "RONDPOINT_LOGLEVEL": "error"}
    settings = load_settings(tmp_path, [], environ).settings
    assert settings.providers.docker is not None
    assert settings.providers.docker.domain == "test"
    assert (settings.admin.address, settings.log.level) == (":8080", LogLevel.ERROR)


INLINE = """
[file]

[backends.hello.servers.one]
url = "http://127.0.0.1:9001"

[frontends.hello]
backend = "hello"
"""


def test_a_settings_file_with_routers_is_the_file_of_the_provider(tmp_path: Path) -> None:
    result = load_settings(tmp_path, traefik_toml=INLINE)
    assert result.warnings == ()
    assert result.settings.providers.file is not None
    assert result.settings.providers.file.filename == tmp_path / "traefik.toml"


def test_routers_without_a_file_section_give_a_warning(tmp_path: Path) -> None:
    result = load_settings(tmp_path, traefik_toml=INLINE.replace("[file]", ""))
    assert result.settings.providers.file is None
    assert [warning.subject.rpartition(" ")[2] for warning in result.warnings] == ["backends", "frontends"]


def test_a_default_entry_point_without_a_definition_is_refused(tmp_path: Path) -> None:
    toml = 'defaultEntryPoints = ["http", "htps"]\n[entryPoints.http]\naddress = ":80"\n'
    (diagnostic,) = load_errors(tmp_path, traefik_toml=toml)
    assert diagnostic.subject == f"{tmp_path}/traefik.toml: defaultEntryPoints"
    assert diagnostic.message == "entry point htps has no address"
    assert diagnostic.hint == "did you mean http?"


def test_the_kubernetes_section_of_traefik_1(tmp_path: Path) -> None:
    text = """
[kubernetes]
endpoint = "https://api.test:6443"
token = "secret"
certAuthFilePath = "/ca.crt"
namespaces = ["default", "shop"]
labelselector = "app=shop"
ingressClass = "internal"
disablePassHostHeaders = true
throttleDuration = "2s"
  [kubernetes.ingressEndpoint]
  publishedService = "lb/traefik"
"""
    result = load_settings(tmp_path, traefik_toml=text)
    options = result.settings.providers.kubernetes_ingress
    assert options is not None
    assert (options.endpoint, options.token) == ("https://api.test:6443", "secret")
    assert options.cert_auth_file_path == "/ca.crt"
    assert options.namespaces == ("default", "shop")
    assert (options.label_selector, options.ingress_class) == ("app=shop", "internal")
    assert options.disable_pass_host_headers
    assert options.ingress_endpoint is not None
    assert options.ingress_endpoint.published_service == "lb/traefik"
    (only,) = result.warnings
    assert "throttleDuration has no effect: changes are applied at once" in only.message
    assert result.settings.providers.docker is None


SWARM = """
[docker]
domain = "swarm.local"
endpoint = "tcp://10.0.0.1:2376"
swarmMode = true
swarmModeRefreshSeconds = 5
network = "public"
constraints = ["tag==live"]
  [docker.tls]
  ca = "ca.pem"
"""


def test_the_swarm_mode_of_docker_is_the_swarm_provider(tmp_path: Path) -> None:
    result = load_settings(tmp_path, traefik_toml=SWARM)
    assert result.warnings == ()
    assert result.settings.providers.docker is None
    swarm = result.settings.providers.swarm
    assert swarm is not None
    assert (swarm.domain, swarm.endpoint, swarm.network) == ("swarm.local", "tcp://10.0.0.1:2376", "public")
    assert (swarm.refresh_seconds, swarm.constraints) == (5.0, "tag==live")
    assert swarm.tls is not None
    assert swarm.tls.ca == "ca.pem"


def test_the_swarm_mode_of_traefik_2_is_the_swarm_provider(tmp_path: Path) -> None:
    flags = ["--providers.docker.swarmMode=true", "--providers.docker.exposedByDefault=false"]
    settings = load_settings(tmp_path, flags).settings
    assert settings.providers.docker is None
    assert settings.providers.swarm is not None
    assert settings.providers.swarm.exposed_by_default is False


def test_docker_stays_without_swarm_mode(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, ["--docker.swarmMode=false", "--providers.swarm"]).settings
    assert settings.providers.docker is not None
    assert settings.providers.swarm is not None
