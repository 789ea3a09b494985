"""Connects to an engine: by its socket, or by TCP with TLS and a password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import docker
import requests
from docker.tls import TLSConfig
from requests.auth import HTTPBasicAuth

from discovery.providers.errors import ProviderError
from rondpoint.settings import DockerTls, EngineOptions

_SSH = "ssh://"
_TUNNEL = "open a tunnel, ssh -NL /run/tunnel.sock:/var/run/docker.sock HOST, and set {setting} to its socket"


class EngineClient(docker.APIClient):
    """The client of docker-py, which itself knows no HTTP basic authentication."""

    def __init__(self, credentials: HTTPBasicAuth | None, **options: Any) -> None:
        # The constructor of docker-py sends the first request already.
        self._credentials = credentials
        super().__init__(**options)

    def request(self, method: str | bytes, url: str | bytes, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request with the credentials, and verify the engine as its own settings say."""
        # Otherwise the variable REQUESTS_CA_BUNDLE wins over these settings.
        given = {"auth": self._credentials, "verify": self.verify, **options}
        return super().request(method, url, **given)


def connect(options: EngineOptions, setting: str) -> EngineClient:
    """Return a client of the engine, which has responded once.

    `setting` names the setting of the endpoint. Raises ProviderError for options that cannot work, and the
    errors of docker-py.
    """
    if options.endpoint.startswith(_SSH):
        message = f"the Docker engine at {options.endpoint} cannot be reached: ssh is not served"
        raise ProviderError(message, _TUNNEL.format(setting=setting))
    has_credentials = options.username and options.password
    return EngineClient(
        HTTPBasicAuth(options.username, options.password) if has_credentials else None,
        base_url=options.endpoint,
        version="auto",
        timeout=options.http_client_timeout or None,
        tls=_tls(options.tls, setting) if options.tls is not None else False,
    )


def _tls(options: DockerTls, setting: str) -> TLSConfig:
    section = f"{setting.rpartition('.')[0]}.tls"
    for name, path in (("ca", options.ca), ("cert", options.cert), ("key", options.key)):
        if path and not Path(path).is_file():
            raise ProviderError(f"{section}.{name}: {path} is not a file")
    if bool(options.cert) != bool(options.key):
        raise ProviderError(f"{section} has only one of cert and key", "set both, or none")
    certificate = (options.cert, options.key) if options.cert else None
    return TLSConfig(certificate, options.ca or None, verify=not options.insecure_skip_verify)
