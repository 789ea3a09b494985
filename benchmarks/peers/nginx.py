"""nginx with one worker and keep-alive connections to the origin; it sends the same headers as Traefik."""

from __future__ import annotations

import subprocess

from benchmarks.nginx import nginx_main, nginx_program, stream_module
from benchmarks.peers.peer import HOST, Peer, Site
from benchmarks.processes import Launch


def configuration(site: Site) -> str:
    """Return the nginx.conf; other hosts get 404, as from a proxy without a router for them."""
    if site.tcp:
        return _relay(site)
    servers = " ".join(f"server 127.0.0.1:{port};" for port in site.servers)
    temporary = " ".join(
        f"{kind}_temp_path {site.directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""{nginx_main(site.directory, workers=1)}
http {{
    access_log off;
    client_max_body_size 0;
    {temporary}
    keepalive_requests 100000000;
    {site.feature.nginx_http if site.feature else ""}
    upstream origin {{ {servers} keepalive 256; keepalive_requests 100000000; }}
    # Upgrades pass, and other requests keep the connection alive.
    map $http_upgrade $upgrading {{ default upgrade; "" ""; }}
    server {{
        listen 127.0.0.1:{site.port} default_server backlog=4096;
        {_further_ports(site)}
        return 404;
    }}
    server {{
        listen 127.0.0.1:{site.port};
        {_further_ports(site)}
        server_name {HOST};
        location / {{
            {_pass(site)}
            {_feature(site)}
        }}
    }}
}}
"""


def _relay(site: Site) -> str:
    servers = " ".join(f"server 127.0.0.1:{port};" for port in site.servers)
    return f"""load_module {stream_module()};
{nginx_main(site.directory, workers=1)}
stream {{
    access_log off;
    upstream origin {{ {servers} }}
    server {{
        listen 127.0.0.1:{site.port} backlog=4096;
        tcp_nodelay on;
        proxy_pass origin;
    }}
}}
"""


def _pass(site: Site) -> str:
    kind, url = ("grpc", "grpc://origin") if site.h2c_servers else ("proxy", "http://origin")
    headers = {
        "Host": "$http_host",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Host": "$http_host",
        "X-Forwarded-Port": "$server_port",
        "X-Real-Ip": "$remote_addr",
    }
    version = ""
    if not site.h2c_servers:
        headers |= {"Upgrade": "$http_upgrade", "Connection": "$upgrading"}
        version = "proxy_http_version 1.1;"
    lines = [f"{kind}_set_header {name} {value};" for name, value in headers.items()]
    return "\n".join([f"{kind}_pass {url};", version, *lines])


def _feature(site: Site) -> str:
    if site.feature is None:
        return ""
    return site.feature.nginx.replace("{directory}", str(site.directory))


def _further_ports(site: Site) -> str:
    h2c = f"listen 127.0.0.1:{site.h2c_port} http2;" if site.h2c_port else ""
    if site.certificate is None:
        return h2c
    pair = f"ssl_certificate {site.certificate}; ssl_certificate_key {site.certificate};"
    # The version that the others negotiate; nginx 1.22 has only older ones by default.
    return f"{h2c} listen 127.0.0.1:{site.tls_port} ssl http2; ssl_protocols TLSv1.3; {pair}"


def _prepare(site: Site) -> Launch:
    file = site.directory / "nginx.conf"
    file.write_text(configuration(site))
    for name, text in site.feature.files.items() if site.feature is not None else ():
        (site.directory / name).write_text(text)
    return Launch([nginx_program(), "-c", str(file), "-e", "stderr"], site.directory)


def _version() -> str:
    # nginx writes it to stderr: "nginx version: nginx/1.22.1".
    output = subprocess.run([nginx_program(), "-v"], capture_output=True, text=True, check=True).stderr
    return f"nginx {output.strip().rpartition('/')[2]}"


PEER = Peer("nginx", _prepare, _version)
