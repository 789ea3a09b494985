"""HAProxy with one thread; clients share its idle connections to the origin, as in the other proxies."""

from __future__ import annotations

import subprocess

from benchmarks.peers.peer import HOST, Peer, Site
from benchmarks.processes import Launch, program


def haproxy_program() -> str:
    """Return the path of HAProxy. Raises BenchmarkError if it is not installed."""
    return program("haproxy", "Debian package haproxy")


def configuration(site: Site) -> str:
    """Return the haproxy.cfg; other hosts get 404, as from a proxy without a router for them."""
    if site.tcp:
        return _relay(site)
    protocol = " proto h2" if site.h2c_servers else ""
    servers = "\n".join(
        f"    server s{number} 127.0.0.1:{port}{protocol}" for number, port in enumerate(site.servers)
    )
    return f"""global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:{site.port}
    {_tls_settings(site)}
    {f"bind 127.0.0.1:{site.h2c_port} proto h2" if site.h2c_port else ""}
    http-request deny deny_status 404 unless {{ hdr(host) -i {HOST} }}
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
    http-request set-header X-Forwarded-Host %[hdr(host)]
    http-request set-header X-Forwarded-Port %[dst_port]
    http-request set-header X-Real-Ip %[src]
    {site.feature.haproxy if site.feature else ""}
    default_backend origin
backend origin
    balance roundrobin
    http-reuse always
{servers}
{site.feature.haproxy_sections if site.feature else ""}
"""


def _relay(site: Site) -> str:
    servers = "\n".join(f"    server s{number} 127.0.0.1:{port}" for number, port in enumerate(site.servers))
    return f"""global
    nbthread 1
    maxconn 4096
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind 127.0.0.1:{site.port}
    default_backend origin
backend origin
    balance roundrobin
    option splice-auto
{servers}
"""


def _tls_settings(site: Site) -> str:
    if site.certificate is None:
        return ""
    return f"bind 127.0.0.1:{site.tls_port} ssl crt {site.certificate} alpn h2,http/1.1"


def _prepare(site: Site) -> Launch:
    file = site.directory / "haproxy.cfg"
    file.write_text(configuration(site))
    return Launch([haproxy_program(), "-db", "-q", "-f", str(file)], site.directory)


def _version() -> str:
    output = subprocess.run([haproxy_program(), "-v"], capture_output=True, text=True, check=True).stdout
    return f"HAProxy {output.split()[2].partition('-')[0]}"


PEER = Peer("haproxy", _prepare, _version)
