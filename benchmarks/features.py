"""What a proxy does beside forwarding in some scenarios, in the words of each compared proxy."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

USER, PASSWORD = "user", "secret"
# htpasswd -B has the cost 5, too.
PASSWORD_HASH = "$2b$05$8OeVDgQSGJDkv8MigGIp0e28FnS3APH5edhSpCL5o5f6mUD2M4wCi"

REQUEST_HEADERS = {
    f"X-To-Server-{number}": f"value {number} of a header for the server" for number in range(5)
}
RESPONSE_HEADERS = {
    f"X-To-Client-{number}": f"value {number} of a header for the client" for number in range(5)
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One middleware: `options` as in Traefik 3, and the same for nginx (location) and HAProxy (frontend).

    `caddy` are the handlers before Caddy's proxy. `nginx_http` are further lines of nginx's `http` section,
    `haproxy_sections` further sections of HAProxy's configuration. `files` are written to the proxy's
    directory, which is {directory} in nginx's lines. Requests have the additional `headers`.
    """

    options: Mapping[str, Any]
    nginx: str
    haproxy: str
    nginx_http: str = ""
    haproxy_sections: str = ""
    caddy: Sequence[Mapping[str, Any]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


_CREDENTIALS = b64encode(f"{USER}:{PASSWORD}".encode()).decode()

AUTH = Feature(
    options={"basicAuth": {"users": [f"{USER}:{PASSWORD_HASH}"]}},
    nginx='auth_basic "bench"; auth_basic_user_file {directory}/users;',
    files={"users": f"{USER}:{PASSWORD_HASH}\n"},
    haproxy="http-request auth realm bench unless { http_auth(people) }",
    haproxy_sections=f"userlist people\n    user {USER} password {PASSWORD_HASH}",
    headers={"Authorization": f"Basic {_CREDENTIALS}"},
    caddy=(
        {
            "handler": "authentication",
            "providers": {
                "http_basic": {
                    "accounts": [{"username": USER, "password": PASSWORD_HASH}],
                    "hash": {"algorithm": "bcrypt"},
                    "hash_cache": {},
                }
            },
        },
    ),
)
HEADERS = Feature(
    options={"headers": {"customRequestHeaders": REQUEST_HEADERS, "customResponseHeaders": RESPONSE_HEADERS}},
    nginx="\n".join(
        [f'proxy_set_header {name} "{value}";' for name, value in REQUEST_HEADERS.items()]
        + [f'add_header {name} "{value}";' for name, value in RESPONSE_HEADERS.items()]
    ),
    haproxy="\n    ".join(
        [f'http-request set-header {name} "{value}"' for name, value in REQUEST_HEADERS.items()]
        + [f'http-response set-header {name} "{value}"' for name, value in RESPONSE_HEADERS.items()]
    ),
    caddy=(
        {
            "handler": "headers",
            "request": {"set": {name: [value] for name, value in REQUEST_HEADERS.items()}},
            "response": {
                "set": {name: [value] for name, value in RESPONSE_HEADERS.items()},
                "deferred": True,
            },
        },
    ),
)
# So high that no request is refused.
_RATE = 1_000_000
RATE_LIMIT = Feature(
    options={"rateLimit": {"average": _RATE, "burst": _RATE}},
    nginx=f"limit_req zone=bench burst={_RATE} nodelay;",
    nginx_http=f"limit_req_zone $binary_remote_addr zone=bench:1m rate={_RATE}r/s;",
    haproxy="http-request track-sc0 src table rates\n"
    f"    http-request deny deny_status 429 if {{ sc_http_req_rate(0,rates) gt {_RATE} }}",
    haproxy_sections="backend rates\n    stick-table type ip size 1m expire 10s store http_req_rate(1s)",
)
COMPRESS = Feature(
    options={"compress": {"encodings": ["gzip"]}},
    nginx="gzip on; gzip_proxied any; gzip_types application/json; gzip_vary on; gzip_comp_level 6;",
    haproxy="compression algo gzip\n    compression type application/json",
    caddy=({"handler": "encode", "encodings": {"gzip": {}}, "prefer": ["gzip"]},),
    headers={"Accept-Encoding": "gzip"},
)
REDIRECT = Feature(
    options={"redirectScheme": {"scheme": "https"}},
    nginx="return 302 https://$host$request_uri;",
    haproxy="http-request redirect scheme https code 302",
    caddy=(
        {
            "handler": "static_response",
            "status_code": 302,
            "headers": {"Location": ["https://{http.request.host}{http.request.uri}"]},
        },
    ),
)
