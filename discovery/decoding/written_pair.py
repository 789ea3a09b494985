"""A certificate and its key as dynamic configuration names them."""

from __future__ import annotations

from msgspec import Struct


class WrittenPair(Struct, frozen=True, omit_defaults=True, gc=False):
    """The names of two files, or their contents; `path` is the option's key: `tls.certificates[0]`.

    The other fields are those of the certificate, see `rondpoint.tls.model.Certificate`. Nothing may show
    `key_file`, unless it is the name of a file.
    """

    path: str
    cert_file: str
    key_file: str
    entry_points: tuple[str, ...] = ()
    default: bool = False

    def __repr__(self) -> str:
        # Texts in place of file names must not get into logs.
        return f"WrittenPair({self.path!r})"
