"""Options of servers transports, which files, keys and the API may define; labels only refer to them."""

from __future__ import annotations

from discovery.decoding import values
from discovery.dynamic import servers_transports as readers
from discovery.labels.vocabulary.label import Label, Support

TRANSPORT = "http.serversTransports.NAME"
_TIMEOUTS = f"{TRANSPORT}.forwardingTimeouts"

TRANSPORTS = (
    Label(
        f"{TRANSPORT}.serverName",
        "internal.test",
        "name in the TLS handshake and in the server's certificate, in place of the server's host",
        readers.server_name,
        "",
    ),
    Label(
        f"{TRANSPORT}.insecureSkipVerify",
        "true",
        "accept any certificate, and any name in it",
        values.boolean,
        False,
    ),
    Label(
        f"{TRANSPORT}.rootCAs[0]",
        "/etc/ca.pem",
        "certificate authorities of the servers: a file that the proxy can read, or a certificate in PEM",
        values="text",
        default_text="those of the system",
    ),
    Label(
        f"{TRANSPORT}.certificates[0].certFile",
        "/etc/client.pem",
        "client certificate: a file that the proxy can read, or the certificate in PEM; at most one",
        values="text",
        requires=(f"{TRANSPORT}.certificates[0].keyFile",),
    ),
    Label(
        f"{TRANSPORT}.certificates[0].keyFile",
        "/etc/client.key",
        "its key: always a file that the proxy can read",
        values="text",
        requires=(f"{TRANSPORT}.certificates[0].certFile",),
    ),
    Label(
        f"{TRANSPORT}.peerCertURI",
        "spiffe://prod/web",
        "URI that the server's certificate must have among its names",
        values.text,
        "",
    ),
    Label(
        f"{TRANSPORT}.minVersion",
        "VersionTLS13",
        "lowest TLS version",
        values.tls_version,
        default_text="`VersionTLS12`",
    ),
    Label(
        f"{TRANSPORT}.maxVersion",
        "VersionTLS13",
        "highest TLS version",
        values.tls_version,
        default_text="`VersionTLS13`",
    ),
    Label(
        f"{TRANSPORT}.maxIdleConnsPerHost",
        "8",
        "idle connections that each worker keeps to a server; 0 for the default, negative for none",
        values.integer,
        0,
        default_text="200",
    ),
    Label(f"{TRANSPORT}.disableHTTP2", "true", "servers get HTTP/1.1 in any case", values.boolean, False),
    Label(
        f"{_TIMEOUTS}.dialTimeout",
        "5s",
        "time limit for connecting to a server, and for its TLS handshake, which has 10 s at most",
        readers.time_limit,
        30.0,
    ),
    Label(
        f"{_TIMEOUTS}.responseHeaderTimeout",
        "10s",
        "time limit for a server to begin its response after it has the request; then the response is 504",
        readers.time_limit,
        0.0,
    ),
    Label(
        f"{_TIMEOUTS}.idleConnTimeout",
        "30s",
        "time for which an idle connection to a server stays open",
        readers.time_limit,
        90.0,
    ),
    Label(
        f"{_TIMEOUTS}.readIdleTimeout",
        "5s",
        "time without a frame on a connection of HTTP/2 after which a PING asks whether the server is alive",
        readers.time_limit,
        0.0,
    ),
    Label(
        f"{_TIMEOUTS}.pingTimeout",
        "5s",
        "time limit for the response to this PING; then the connection is closed",
        readers.time_limit,
        15.0,
    ),
    *(
        Label(
            f"{TRANSPORT}.{option}",
            example,
            "services with this transport respond 503",
            values=what,
            support=Support.CLOSING,
        )
        for option, example, what in (
            ("cipherSuites[0]", "TLS_RSA_WITH_AES_128_CBC_SHA", "a list"),
            ("peerCertSANs[0].value", "a.test", "a list"),
            ("spiffe.ids[0]", "spiffe://prod/web", "options"),
        )
    ),
)
