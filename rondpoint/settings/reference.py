"""Generates the reference page of the settings, `docs/reference/settings.md`, from the tree and the tables.

`python -m rondpoint.settings.reference` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import attrs

from rondpoint.settings.declaration import REQUIRED
from rondpoint.settings.sources.environment import variable_name
from rondpoint.settings.tree import LogLevel, Section, Settings, setting_key
from rondpoint.settings.tree.section import description_of, fields_of, is_excluded, section_of
from rondpoint.settings.unserved_options import UNSERVED_OPTIONS, UnservedOption
from rondpoint.settings.v1 import TRANSLATIONS
from rondpoint.settings.vocabulary import ANY

_INTRODUCTION = """\
# Settings

`python -m rondpoint.settings.reference` generates this page from the code: change it there.

You can set each setting as a flag (`--log.level=DEBUG`), as an environment variable
(`RONDPOINT_LOG_LEVEL=DEBUG`) or in a TOML or YAML file. A flag wins over a variable, and a variable over the
file. Upper and lower case in keys make no difference. A flag without a value means true. So does a section
without keys: `--providers.docker`. `NAME` stands for a name of your choice.

Traefik's own variables (`TRAEFIK_LOG_LEVEL=DEBUG`) are read too, but only if there are neither flags nor a
file, as in Traefik. `RONDPOINT_…` wins over `TRAEFIK_…`.

`--configFile=FILE` (`-c FILE`, `RONDPOINT_CONFIGFILE`) names the file. Without it, Rondpoint reads the first
of `rondpoint.toml`, `.yml`, `.yaml`, `traefik.toml`, `.yml`, `.yaml` in the working directory, then of
`rondpoint.*` in `/etc/rondpoint/`, then of `traefik.*` in `/etc/traefik/`.

Write durations as `10s`, `1m30s`, `500ms`, or as a number of seconds. If a key is unknown or a value is
invalid, Rondpoint does not start, and prints where the key or value is written.

Names and defaults are those of Traefik 3 if Traefik has the setting.

## All settings

| key | variable | default | |
| --- | --- | --- | --- |
"""
_DEPENDENT_DEFAULTS = """
Defaults that depend on other settings:

- If you define no web entry point, there is `web`, with the address in `webAddress`. `traefik` is the admin
  entry point, on `127.0.0.1:8080`, or on `:8080` with `api.insecure`. If another entry point has port 8080,
  it has the next port that is free, and a warning names it.
- If no provider is set, the Docker provider is on if `DOCKER_HOST` is set or `/var/run/docker.sock` exists.
- `entryPoints.NAME.address` has no default for names other than `web`.

## Traefik 1 spellings

They mean the same as the setting in the second column, in flags, variables and files. `*` stands for every
entry point without a value of its own.

| Traefik 1 | means |
| --- | --- |
"""
_V1_REMARKS = {
    "constraints": "`providers.constraints`, such as `tag==api-*`",
    "docker.constraints": "`providers.docker.constraints`, such as `tag==api-*`",
    "consulCatalog.constraints": "`providers.consulCatalog.constraints`, such as `tag==api-*`",
    "consulCatalog.strictChecks": "`providers.consulCatalog.strictChecks`: `true` is `passing`, `false` is "
    "`passing,warning`",
    "debug": "`log.level`: `DEBUG`",
    "defaultEntryPoints": "`entryPoints.NAME.asDefault`, for each name in the list",
    "entryPoints": "`--entryPoints='Name:http Address::80'`: `entryPoints.http.address`; `TLS` in it: "
    "`entryPoints.http.tls`",
    "file": "`providers.file`; without `filename` and `directory`, `[backends]` and `[frontends]` are read "
    "from the settings file itself",
}
_UNSERVED_INTRODUCTION = """
## Known, and not served yet

Rondpoint ignores these options of Traefik, with all keys below them, and gives a warning, or a note if
nothing is lost. Options that protect something are different, because serving without them would be less safe
than you intended. They give an error with a hint, and close the part that they protect:

- an entry point: its routers respond with 503. The admin entry point `traefik` only responds to `/ping`;
- a provider: it reads nothing, and has no routes.

| option | | closes |
| --- | --- | --- |
"""


def page() -> str:
    """Return the page as Markdown."""
    settings = "\n".join(_setting_rows(Settings, ()))
    spellings = "\n".join(_v1_rows())
    unserved = "\n".join(
        f"| `{_format_key(key)}` | {option.reason} | {_format_closed_part(option)} |"
        for key, option in sorted(UNSERVED_OPTIONS.items(), key=_sort_key)
    )
    return (
        f"{_INTRODUCTION}{settings}\n{_DEPENDENT_DEFAULTS}{spellings}\n{_UNSERVED_INTRODUCTION}{unserved}\n"
    )


def _format_closed_part(option: UnservedOption) -> str:
    return option.closed_part.replace("entry point *", "the entry point") or "nothing"


def _sort_key(item: tuple[str, object]) -> str:
    return item[0].lower()


def _format_key(key: str) -> str:
    return key.replace(ANY, "NAME")


def _setting_rows(section: type[Section], parents: tuple[str, ...]) -> Iterator[str]:
    for attribute, field in fields_of(section).items():
        if is_excluded(field):
            continue
        description = description_of(field)
        path = (*parents, setting_key(attribute))
        inner, optional, named_by_user = section_of(field.type)
        if inner is None and named_by_user:
            yield _format_row((*path, ANY), "", description)
        elif inner is None:
            yield _format_row(path, _format_default(path, field.default), description)
        else:
            if optional:
                yield _format_row(path, "off", _first_line(inner))
            yield from _setting_rows(inner, (*path, ANY) if named_by_user else path)


def _format_row(path: tuple[str, ...], default: str, description: str) -> str:
    key = _format_key(".".join(path))
    name = variable_name(path).replace(ANY, "NAME")
    return f"| `{key}` | `{name}` | {default} | {description} |".replace("|  |", "| |")


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().partition("\n")[0]


def _format_default(path: tuple[str, ...], default: Any) -> str:
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, except in the stubs
        return "number of cores"
    if default is REQUIRED or default is None or default in ("", (), frozenset()):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if path[-1] == "sampleRate":
        return f"`{default:g}`"
    if isinstance(default, float):
        return f"`{default:g}s`" if default else "`0`"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`"
    text = default.value if isinstance(default, LogLevel) else str(default)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _v1_rows() -> Iterator[str]:
    for key, translation in TRANSLATIONS.items():
        remark = _V1_REMARKS.get(key)
        if remark is None:
            remark = ", ".join(f"`{target}`" for target, _ in translation("")) or "(see its keys)"
        yield f"| `{key}` | {remark} |"


if __name__ == "__main__":
    sys.stdout.write(page())
