"""Turns errors of the Docker client into ProviderErrors with a reason and a hint."""

from __future__ import annotations

import ssl

from discovery.connections.errors import causes
from discovery.providers.errors import ProviderError

SETTING = "providers.docker.endpoint"

HINTS: tuple[tuple[type[BaseException], str], ...] = (
    (PermissionError, "let this user read and write the socket, for instance by its group `docker`"),
    (FileNotFoundError, "start the engine, mount its socket, or set {setting}"),
    (ConnectionRefusedError, "start the engine, or set {setting}"),
    (
        ssl.SSLCertVerificationError,
        "set {section}.tls.ca to the certificate of the CA that signed the engine's certificate",
    ),
    (TimeoutError, "the engine accepts connections but does not respond in time"),
)


def to_provider_error(error: BaseException, endpoint: str, setting: str = SETTING) -> ProviderError:
    """Return the ProviderError for `error`, which a request to the engine at `endpoint` raised.

    `setting` names the setting of the endpoint.
    """
    chain = list(causes(error))
    for cause in chain:
        for kind, hint in HINTS:
            if isinstance(cause, kind):
                reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
                return ProviderError(
                    f"the Docker engine at {endpoint} cannot be reached: {reason}",
                    hint.format(setting=setting, section=setting.rpartition(".")[0]),
                )
    return ProviderError(f"a request to the Docker engine at {endpoint} failed: {error}")
