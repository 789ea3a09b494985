"""The reference page of the settings, made from the tree and the tables.

`python -m rondpoint.settings.reference` prints it; `docs/reference/settings.md` holds it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rondpoint.settings.closed_parts import CHANGES, METRICS
from rondpoint.settings.sources.environment import variable_name
from rondpoint.settings.tree import LogLevel, Section, Settings, setting_key
from rondpoint.settings.unserved import UNSERVED_OPTIONS, UnservedOption
from rondpoint.settings.v1 import TRANSLATIONS
from rondpoint.settings.vocabulary import ANY, section_of

_HEAD = """\
# Settings

Made from the code by `python -m rondpoint.settings.reference`: change it there.

Every setting can be given as a flag (`--log.level=DEBUG`), as an environment variable
(`RONDPOINT_LOG_LEVEL=DEBUG`) or in a TOML or YAML file; a flag wins over a variable, a variable over the
file. Keys compare without regard to case. A flag without a value means true, and so does a section that is
only named: `--providers.docker`. `NAME` stands for a name of your choice.

The file is the one `--configFile=FILE` (`-c FILE`, `RONDPOINT_CONFIGFILE`) names, else the first of
`rondpoint.toml`, `.yml`, `.yaml`, `traefik.toml`, `.yml`, `.yaml` in the working directory, then of
`rondpoint.*` in `/etc/rondpoint/`, then of `traefik.*` in `/etc/traefik/`.

Durations are written `10s`, `1m30s`, `500ms`, or as a number of seconds. An unknown key or a value that does
not fit ends the start, with the place where it is written.

Names and defaults are Traefik 3's where Traefik has the setting.

## All settings

| key | variable | default | |
| --- | --- | --- | --- |
"""
_DEPENDS = """
Defaults that depend on other settings:

- Without any web entry point of yours there is `web` on `webAddress`. `traefik` is the admin entry point, on
  `127.0.0.1:8080`; with `api.insecure` on `:8080`.
- Without any provider, the Docker provider is on if `DOCKER_HOST` is set or `/var/run/docker.sock` is there.
- `entryPoints.NAME.address` has no default for other names than `web`.

## Traefik 1 spellings

They mean the same as the setting beside them, in flags, variables and files alike; `*` is every entry
point that does not say otherwise itself.

| Traefik 1 | means |
| --- | --- |
"""
_V1_REMARKS = {
    "constraints": "`providers.constraints`, `tag==api-*` and the like",
    "docker.constraints": "`providers.docker.constraints`, `tag==api-*` and the like",
    "consulCatalog.constraints": "`providers.consulCatalog.constraints`, `tag==api-*` and the like",
    "consulCatalog.strictChecks": "`providers.consulCatalog.strictChecks`: `true` is `passing`, `false` is "
    "`passing,warning`",
    "debug": "`log.level`: `DEBUG`",
    "defaultEntryPoints": "`entryPoints.NAME.asDefault`, for each name of the list",
    "entryPoints": "`--entryPoints='Name:http Address::80'`: `entryPoints.http.address`",
    "file": "`providers.file`; with neither `filename` nor `directory`, the settings file itself is read "
    "for `[backends]` and `[frontends]`",
}
_UNSERVED = """
## Known, and not served yet

These options of Traefik, with all below them, give a warning and are left aside. Those that guard something
are not: to serve without them would be weaker than their author meant. They give an error that says what to
do instead, and close what they guard:

- an entry point: its routers answer 503. `traefik`, the admin one, answers nothing but `/ping`;
- a provider: it reads nothing, and has no routes;
- changes: the API refuses them;
- `/metrics`: it answers 503.

| option | | closes |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page, as Markdown."""
    settings = "\n".join(_rows(Settings, ()))
    spellings = "\n".join(_v1_rows())
    unserved = "\n".join(
        f"| `{_named(key)}` | {entry.reason} | {_closes(entry)} |"
        for key, entry in sorted(UNSERVED_OPTIONS.items(), key=_by_key)
    )
    return f"{_HEAD}{settings}\n{_DEPENDS}{spellings}\n{_UNSERVED}{unserved}\n"


def _closes(entry: UnservedOption) -> str:
    part = {"": "nothing", CHANGES: "changes", METRICS: "`/metrics`"}.get(entry.closed_part, entry.closed_part)
    part = part.replace("entry point *", "the entry point")
    if entry.guards_if_false:
        return f"{part}, where it is `false`"
    return f"{part}, unless it has `tls.certificates`" if entry.unneeded_with_tls else part


def _by_key(item: tuple[str, object]) -> str:
    return item[0].lower()


def _named(key: str) -> str:
    return key.replace(ANY, "NAME")


def _rows(section: type[Section], above: tuple[str, ...]) -> Iterator[str]:
    for attribute, info in section.model_fields.items():
        if info.exclude:
            continue
        path = (*above, setting_key(attribute))
        inner, optional, free = section_of(info.annotation)
        if inner is None and free:
            yield _row((*path, ANY), "", info.description or "")
        elif inner is None:
            yield _row(path, _default(path, info), info.description or "")
        else:
            if optional:
                yield _row(path, "off", _first_line(inner))
            yield from _rows(inner, (*path, ANY) if free else path)


def _row(path: tuple[str, ...], default: str, description: str) -> str:
    key = _named(".".join(path))
    name = variable_name(path).replace(ANY, "NAME")
    return f"| `{key}` | `{name}` | {default} | {description} |".replace("|  |", "| |")


def _first_line(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().partition("\n")[0]


def _default(path: tuple[str, ...], info: FieldInfo) -> str:
    default: Any = info.default
    if info.default_factory is not None:
        return "number of cores"
    if default is PydanticUndefined or default is None or default in ("", ()):
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
            remark = ", ".join(f"`{target}`" for target, _ in translation("")) or "(its keys follow)"
        yield f"| `{key}` | {remark} |"


if __name__ == "__main__":
    sys.stdout.write(page())
