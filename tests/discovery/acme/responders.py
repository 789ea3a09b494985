"""Servers of the tests that respond to challenges, where the CA of the lab looks for them."""

import socketserver
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from discovery.acme.challenges.challenge import DNS_01, HTTP_01, TLS_ALPN_01, Challenge, ResponderError
from discovery.acme.challenges.tls_alpn_certificate import response_certificate
from tests.lab.background import Background
from tests.lab.http_server import Handler, HttpServer
from tests.lab.pebble import ADDRESS, DnsServer

WELL_KNOWN = "/.well-known/acme-challenge/"


class HttpResponder(HttpServer):
    """Responds to HTTP-01 challenges on a port; counts what is presented, keeps what is not cleaned up."""

    kind = HTTP_01

    def __init__(self, port: int) -> None:
        self.responses: dict[str, str] = {}
        self.presented: list[str] = []
        self.wrong_names: set[str] = set()
        self.failure: ResponderError | None = None
        responses = self.responses

        class Respond(Handler):
            def do_GET(self) -> None:  # noqa: N802
                body = responses.get(self.path.removeprefix(WELL_KNOWN), "").encode()
                self.reply(200 if body else 404, body)

        super().__init__(Respond, port)

    def present(self, challenge: Challenge) -> None:
        if self.failure is not None:
            raise self.failure
        self.presented.append(challenge.name)
        wrong = challenge.name in self.wrong_names
        self.responses[challenge.token] = "wrong" if wrong else challenge.key_authorization

    def wait_until_visible(self, challenges: Sequence[Challenge]) -> None:
        assert {challenge.token for challenge in challenges} <= self.responses.keys()

    def clean_up(self, challenge: Challenge) -> None:
        self.responses.pop(challenge.token, None)


class TlsAlpnResponder(Background):
    """Responds to TLS-ALPN-01 challenges on a port, one connection after the other."""

    kind = TLS_ALPN_01

    def __init__(self, port: int) -> None:
        self.contexts: dict[str, ssl.SSLContext] = {}
        self.server_names: list[str | None] = []
        contexts, server_names = self.contexts, self.server_names

        def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
            server_names.append(name)
            if name not in contexts:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = contexts[name]
            return None

        entry = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        entry.set_alpn_protocols(["acme-tls/1"])
        entry.sni_callback = choose

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    entry.wrap_socket(self.request, server_side=True).close()
                except OSError as error:
                    server_names.append(str(error))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        super().__init__("TLS-ALPN-01 responder")
        self._server = Server((ADDRESS, port), Handler)

    def run(self) -> None:
        self._server.serve_forever(0.01)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def present(self, challenge: Challenge) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["acme-tls/1"])
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "challenge.pem"
            file.write_text(response_certificate(challenge))
            context.load_cert_chain(file)
        self.contexts[challenge.server_name] = context

    def wait_until_visible(self, challenges: Sequence[Challenge]) -> None:
        assert challenges

    def clean_up(self, challenge: Challenge) -> None:
        self.contexts.pop(challenge.server_name, None)


class DnsResponder:
    """Responds to DNS-01 challenges by records of the lab's DNS server."""

    kind = DNS_01

    def __init__(self, dns_server: DnsServer) -> None:
        self.records: list[tuple[str, str]] = []
        self._dns_server = dns_server

    def present(self, challenge: Challenge) -> None:
        self._dns_server.set_text(f"_acme-challenge.{challenge.name}", challenge.text)
        self.records.append((challenge.name, challenge.text))

    def wait_until_visible(self, challenges: Sequence[Challenge]) -> None:
        assert challenges

    def clean_up(self, challenge: Challenge) -> None:
        self._dns_server.clear_text(f"_acme-challenge.{challenge.name}")
        self.records.remove((challenge.name, challenge.text))
