"""Providers through dns-lexicon, an optional package."""

from __future__ import annotations

import importlib
import threading
from collections import defaultdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from discovery.acme.dns.bounded_calls import call_within
from discovery.acme.dns.environment import Environment
from discovery.acme.dns.errors import ConfigurationError, DnsChallengeError, ProviderError
from discovery.acme.dns.providers.contract import Setup
from discovery.acme.dns.providers.lexicon_rows import Credentials, Option, Row
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing, read_timing

if TYPE_CHECKING:
    from lexicon.interfaces import Provider

_turns = defaultdict[str, threading.Lock](threading.Lock)
"""Held during a call, by dns-lexicon's provider. Many APIs replace a whole record set, or all records of a
zone, so of two calls at once one would undo what the other did."""

EXTRA = "pip install 'rondpoint[dns]'"
REQUESTS = 4
"""HTTP requests for which a call has time: it finds the zone, lists its records, then changes one."""


class Lexicon:
    """Creates and deletes records with the provider of dns-lexicon that a row names."""

    def __init__(self, row: Row, setup: Setup) -> None:
        """Read the variables.

        Raises ConfigurationError if one is missing or has no effect, or if a package is missing.
        """
        _refuse_unsupported(row, setup.environment)
        _require_packages(row)
        self.timing: Timing = read_timing(setup.environment, row.timing, row.prefix)
        self.one_value = row.one_value
        self.timeout_variable = f"{row.prefix}_PROPAGATION_TIMEOUT"
        self._row = row
        self._setup = setup
        credentials = find_credentials(row, setup.environment)
        self._options = {**row.fixed, **read_options(credentials, setup.environment)}
        self._hint = _hint(row, credentials, setup.environment)

    def present(self, record: ChallengeRecord) -> None:
        """Create the record, unless it is there."""
        self._call(record, "create")

    def clean_up(self, record: ChallengeRecord) -> None:
        """Delete the record."""
        self._call(record, "delete")

    def _call(self, record: ChallengeRecord, action: str) -> None:
        what = f"{self._row.names[0]}: {action} {record.name}"

        def change() -> bool:
            zone = self._zone(record.name)
            name = relative_name(record.name, zone)
            provider = self._provider(zone)
            provider.authenticate()
            try:
                if action == "create":
                    return provider.create_record("TXT", name, record.value)
                return provider.delete_record(rtype="TXT", name=name, content=record.value)
            finally:
                provider.cleanup()

        try:
            with _turns[self._row.provider]:
                done = call_within(self.timing.http_timeout * REQUESTS, self._setup.stop, what, change)
        except DnsChallengeError:
            raise
        # The library raises errors of requests, of other packages, and bare Exceptions.
        except Exception as error:  # noqa: BLE001
            reason = self._setup.environment.redact(str(error) or type(error).__name__)
            raise ProviderError(f"{what} failed: {reason}", self._hint) from None
        if not done:
            raise ProviderError(f"{what} failed without a reason", self._hint)

    def _provider(self, zone: str) -> Provider:
        from lexicon.config import ConfigResolver  # noqa: PLC0415 - an optional package

        config = ConfigResolver().with_dict(  # type: ignore[no-untyped-call]
            {
                "provider_name": self._row.provider,
                "domain": zone.rstrip("."),
                "ttl": self.timing.ttl,
                self._row.provider: self._options,
            }
        )
        # The library's own client would ask the internet for the public suffix list to guess the zone.
        made: Provider = load_provider(self._row.provider)(config)
        return made

    def _zone(self, name: str) -> str:
        if self._row.labels:
            return ".".join(name.split(".")[-self._row.labels - 1 :])
        return self._setup.servers.find_zone(name)


def load_provider(name: str) -> Any:
    """Return the provider class of dns-lexicon."""
    return importlib.import_module(f"lexicon._private.providers.{name}").Provider


def find_credentials(row: Row, environment: Environment) -> Credentials:
    """Return the first credentials of which all variables are set.

    Raises ConfigurationError, with the variables that are missing, if there are none.
    """
    for credentials in row.credentials:
        if not _missing(credentials, environment):
            return credentials
    # The user probably means the credentials of which most is there.
    likeliest = max(row.credentials, key=lambda each: len(each) - 2 * len(_missing(each, environment)))
    missing = list(dict.fromkeys(option.variables[0] for option in _missing(likeliest, environment)))
    raise ConfigurationError(
        f"{row.names[0]}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
        f"set {' and '.join(f'{each} or {each}_FILE' for each in missing)}"
        + (f"; {row.note}" if row.note else ""),
    )


def read_options(credentials: Credentials, environment: Environment) -> dict[str, str]:
    """Return dns-lexicon's options; without those that are optional and not set."""
    return {option.name: value for option in credentials if (value := _read(option, environment))}


def relative_name(name: str, zone: str) -> str:
    """Return an absolute name relative to its zone, as providers expect it; that of the zone itself whole."""
    return name.removesuffix(f".{zone}") if name != zone else name


def _refuse_unsupported(row: Row, environment: Environment) -> None:
    for variable in row.refused:
        if environment.text(variable):
            raise ConfigurationError(
                f"{row.names[0]}: {environment.spelling(variable)} is not supported", "unset it"
            )


def _hint(row: Row, credentials: Credentials, environment: Environment) -> str:
    used = [option for option in credentials if environment.text(*option.variables)]
    variables = dict.fromkeys(environment.spelling(*option.variables) for option in used)
    check = f"check {', '.join(variables)}, and what they allow" if variables else ""
    return "; ".join(filter(None, (check, row.note)))


def _missing(credentials: Credentials, environment: Environment) -> list[Option]:
    return [each for each in credentials if not each.optional and not environment.text(*each.variables)]


def _read(option: Option, environment: Environment) -> str:
    value = (environment.secret if option.secret else environment.text)(*option.variables)
    if not value or option.convert is None:
        return value
    converted = option.convert(value)
    environment.mask(converted)
    return converted


def _require_packages(row: Row) -> None:
    if find_spec("lexicon") is None:
        raise ConfigurationError(
            f"DNS provider {row.names[0]} needs the package dns-lexicon", f"install it: {EXTRA}"
        )
    from lexicon._private.discovery import find_providers  # noqa: PLC0415 - an optional package

    available = find_providers().get(row.provider)
    if available is None:
        raise ConfigurationError(
            f"the installed dns-lexicon has no provider {row.provider}", "install version 3.25 or later"
        )
    if not available:
        raise ConfigurationError(
            f"DNS provider {row.names[0]} needs further packages",
            f"install them: pip install 'dns-lexicon[{row.provider}]'",
        )
