"""The provider `httpreq`: an HTTP server of the user's that creates and deletes records."""

from __future__ import annotations

from discovery.acme.dns.errors import ConfigurationError
from discovery.acme.dns.providers.contract import Setup
from discovery.acme.dns.providers.http_api import HttpApi
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing, read_timing

PREFIX = "HTTPREQ"


class HttpReq:
    """Posts `{"fqdn", "value"}` to `ENDPOINT/present` and `ENDPOINT/cleanup`.

    With HTTPREQ_MODE=RAW it posts `{"domain", "token", "keyAuth"}`.
    """

    one_value = False
    timeout_variable = f"{PREFIX}_PROPAGATION_TIMEOUT"

    def __init__(self, setup: Setup) -> None:
        """Read the variables. Raises ConfigurationError if there is no endpoint."""
        environment = setup.environment
        self.timing: Timing = read_timing(environment, Timing(), PREFIX)
        self._raw = environment.text("HTTPREQ_MODE") == "RAW"
        username, password = environment.text("HTTPREQ_USERNAME"), environment.secret("HTTPREQ_PASSWORD")
        endpoint = environment.text("HTTPREQ_ENDPOINT")
        if not endpoint:
            raise ConfigurationError("HTTPREQ_ENDPOINT is not set", "set it to the URL of your server")
        self._api = HttpApi(
            endpoint,
            "HTTPREQ_ENDPOINT",
            timeout=self.timing.http_timeout,
            environment=environment,
            stop=setup.stop,
            credentials=(username, password) if username and password else None,
        )

    def present(self, record: ChallengeRecord) -> None:
        """Have the server create the record."""
        self._api.post("/present", self._message(record))

    def clean_up(self, record: ChallengeRecord) -> None:
        """Have the server delete the record."""
        self._api.post("/cleanup", self._message(record))

    def _message(self, record: ChallengeRecord) -> dict[str, str]:
        if not self._raw:
            return {"fqdn": record.name, "value": record.value}
        challenge = record.challenge
        return {
            "domain": challenge.name,
            "token": challenge.token,
            "keyAuth": challenge.key_authorization,
        }
