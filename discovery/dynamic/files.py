"""Reads and decodes dynamic files; the suffix of the name selects YAML or TOML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from discovery.decoding.decoded import Decoded
from discovery.decoding.section import Tree
from discovery.dynamic.decode import decode
from discovery.dynamic.file_templates import evaluate_templates
from discovery.dynamic.syntax import read_toml, read_yaml
from discovery.dynamic.syntax_error import FileSyntaxError
from rondpoint.diagnostics import Diagnostic, Severity

_READERS = {".toml": read_toml, ".yaml": read_yaml, ".yml": read_yaml}

SUFFIXES = frozenset(_READERS)
"""Suffixes of dynamic files; other files in a folder are ignored."""

PROVIDER = "file"


def load_file(path: Path, environ: Mapping[str, str]) -> Decoded:
    """Decode the objects in a file, with its templates. Never raises: errors become diagnostics."""
    tree = read(path, environ)
    if isinstance(tree, Diagnostic):
        return Decoded(printable_path(path), diagnostics=(tree,))
    return decode(tree, PROVIDER, printable_path(path))


def read(path: Path, environ: Mapping[str, str] | None = None) -> Tree | Diagnostic:
    """Return the tree in a file, which is empty for an empty file, or a diagnostic for an unreadable one.

    With `environ`, the file's Go templates are evaluated, with these variables.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        name = Path(printable_path(path)).name
        return _error(path, f"{name} is neither YAML nor TOML", f"expected {', '.join(sorted(SUFFIXES))}")
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        return _error(path, f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as decode_error:
        return _error(path, f"is not UTF-8 text: {decode_error.reason} at byte {decode_error.start}")
    try:
        tree = reader(text if environ is None else evaluate_templates(text, environ))
    except FileSyntaxError as syntax_error:
        position = f"line {syntax_error.line}, column {syntax_error.column}: " if syntax_error.line else ""
        return _error(path, f"{position}{syntax_error}")
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        return _error(path, "contains no options", "expected http with routers and services")
    return tree


def printable_path(path: Path) -> str:
    """Return a path as valid text; names of files are bytes and need not be UTF-8."""
    return os.fsencode(path).decode(errors="replace")


def _error(path: Path, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(Severity.ERROR, PROVIDER, printable_path(path), message, hint)
