"""Completes decoded files and keys with the certificates and authorities that they name."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from discovery.certificates.combination import combine
from discovery.certificates.errors import ContentsError
from discovery.certificates.file_states import FileStates
from discovery.certificates.loading import Seal, load_authorities, load_certificate
from discovery.certificates.retained import Contents, RetainedContents
from discovery.decoding.decoded import Decoded
from discovery.decoding.written_pair import WrittenPair
from rondpoint.certificate_options import may_be_shown
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.tls.model import Certificate, TlsOptions

MIN_CHECK_INTERVAL = 0.5
"""Shortest time in seconds between two checks of all files, which find what the kernel does not report."""

_CHECK_SHARE = 100
"""A check waits this many times as long as the last one took, so checks take 1 % of the time at most."""

_IN_FORCE = "the last valid contents stay in force"


class CertificateReader:
    """Completes what the sources of one provider define; `seal` seals private keys.

    `completed` is the result of the last refresh.
    """

    def __init__(self, provider: str, seal: Seal) -> None:
        self._provider = provider
        self._seal = seal
        self._files = FileStates()
        self._certificates: RetainedContents[tuple[str, WrittenPair], Certificate] = RetainedContents()
        self._authorities: RetainedContents[str, str] = RetainedContents()
        self._check_due = 0.0
        self.completed: tuple[Decoded, ...] = ()

    @property
    def folders(self) -> frozenset[Path]:
        """The folders in which a change can replace a file that was named at the last refresh."""
        return self._files.folders

    def seconds_to_check(self) -> float:
        """Return how long the next refresh may wait if no change is reported; infinite without files."""
        return max(0.0, self._check_due - time.monotonic()) if self._files.any else math.inf

    def refresh(self, decoded: Iterable[Decoded], touched: Collection[Path] = ()) -> bool:
        """Complete `decoded`, all that the provider's sources define, and return whether the result changed.

        Read the files that are new or changed; the kernel has reported changes at `touched`.
        """
        started = time.monotonic()
        self._files.begin(touched)
        completed = tuple(map(self._complete, decoded))
        for each in (self._files, self._certificates, self._authorities):
            each.finish()
        now = time.monotonic()
        self._check_due = now + max(MIN_CHECK_INTERVAL, _CHECK_SHARE * (now - started))
        changed = completed != self.completed
        self.completed = completed
        return changed

    def _complete(self, decoded: Decoded) -> Decoded:
        if not decoded.pairs and not any(options.client_authorities for options in decoded.tls_options):
            return decoded
        certificates = {each.name: each for each in decoded.certificates}
        diagnostics = list(decoded.diagnostics)
        for pair in decoded.pairs:
            contents = self._read_pair(pair, decoded.subject)
            diagnostics += self._describe(pair, contents, decoded.subject)
            found = contents.value
            if found is not None:
                other = certificates.get(found.name)
                certificates[found.name] = found if other is None else combine(other, found)
        options = [self._read_authorities(each, decoded, diagnostics) for each in decoded.tls_options]
        return replace(
            decoded,
            pairs=(),
            certificates=tuple(certificates.values()),
            tls_options=tuple(options),
            diagnostics=tuple(diagnostics),
        )

    def _read_pair(self, pair: WrittenPair, subject: str) -> Contents[Certificate]:
        return self._certificates.read(
            (subject, replace(pair, path="")),
            (pair.cert_file, pair.key_file),
            self._files,
            partial(load_certificate, pair, self._provider, subject, self._seal),
        )

    def _read_authorities(
        self, options: TlsOptions, decoded: Decoded, diagnostics: list[Diagnostic]
    ) -> TlsOptions:
        """Return the options with the contents of their authorities, or closed if there are none."""
        contents = [
            self._authorities.read(text, (text,), self._files, partial(load_authorities, text))
            for text in options.client_authorities
        ]
        path = f"{decoded.keys[f'tlsOptions.{options.name}']}.clientAuth"
        lost = []
        for text, each in zip(options.client_authorities, contents, strict=True):
            if each.value is None:
                lost.append("caFiles cannot be used")
            if each.fault is not None:
                effect = _IN_FORCE if each.value else "connections with these options are refused"
                found = self._fault(decoded.subject, path, text, each.fault, effect)
                diagnostics.append(replace(found, about=f"TLS options {options.name}"))
        authorities = tuple(each.value for each in contents if each.value is not None)
        unserved = "; ".join(filter(None, (options.unserved, *dict.fromkeys(lost))))
        return replace(options, client_authorities=authorities, unserved=unserved)

    def _describe(
        self, pair: WrittenPair, contents: Contents[Certificate], subject: str
    ) -> Iterator[Diagnostic]:
        found, fault = contents.value, contents.fault
        if fault is not None:
            text = pair.key_file if fault.option == "keyFile" else pair.cert_file
            effect = _IN_FORCE if found else "the certificate is left out"
            yield self._fault(subject, pair.path, text, fault, effect)
        if found is None:
            return
        written = _written(pair.path, "certFile", pair.cert_file)
        now = time.time()
        if found.not_after < now:
            message = f"{written} has expired on {_format_date(found.not_after)}"
            hint = "renew it; until then, clients get it and refuse it"
            yield Diagnostic(Severity.WARNING, self._provider, subject, message, hint)
        elif found.not_before > now:
            message = f"{written} is not valid before {_format_date(found.not_before)}"
            hint = "check the clock of this machine, or wait"
            yield Diagnostic(Severity.WARNING, self._provider, subject, message, hint)

    def _fault(self, subject: str, path: str, text: str, fault: ContentsError, effect: str) -> Diagnostic:
        message = f"{_written(path, fault.option, text)} {fault}; {effect}"
        return Diagnostic(Severity.ERROR, self._provider, subject, message, fault.hint)


def _written(path: str, option: str, text: str) -> str:
    """Return the key of an option, with its value if that is surely the name of a file."""
    key = f"{path}.{option}"
    return f"{key}={text}" if may_be_shown(text) else key


def _format_date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
