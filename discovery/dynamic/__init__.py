"""Decodes dynamic files: Traefik 3's `http` trees, and Traefik 1's frontends and backends."""

from discovery.decoding.decoded import Decoded
from discovery.dynamic.decode import decode, is_dynamic
from discovery.dynamic.document import read_json_or_yaml
from discovery.dynamic.files import SUFFIXES, load_file, printable_path, read

__all__ = [
    "SUFFIXES",
    "Decoded",
    "decode",
    "is_dynamic",
    "load_file",
    "printable_path",
    "read",
    "read_json_or_yaml",
]
