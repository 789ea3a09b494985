"""The generated blocks of the reference page of middlewares: every kind with its options.

`python -m rondpoint.middlewares.reference docs/reference/middlewares.md` writes them into the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rondpoint.middlewares.descriptions import DESCRIPTIONS, TCP_DESCRIPTIONS
from rondpoint.middlewares.options import Group, Option, Secrecy
from rondpoint.middlewares.schemas import SCHEMAS, TCP_SCHEMAS
from rondpoint.reference_pages import first_clause, format_default, markdown_table, update_page

_SECRECY = {Secrecy.OPEN: "", Secrecy.HIDDEN: "; secret", Secrecy.HEADERS: "; credentials are secret"}


def blocks() -> dict[str, str]:
    """Return the blocks of the page by their names."""
    return {
        "kinds": "".join(_kind(kind, SCHEMAS[kind], DESCRIPTIONS) for kind in sorted(SCHEMAS)),
        "tcp-kinds": "".join(
            _kind(kind, TCP_SCHEMAS[kind], TCP_DESCRIPTIONS) for kind in sorted(TCP_SCHEMAS)
        ),
    }


def options(schema: Group, path: str) -> Iterator[tuple[str, Option]]:
    """Yield each option of a group with its path, which begins with `path`."""
    for name, part in schema.options.items():
        if isinstance(part, Group):
            yield from options(part, f"{path}.{name}")
        else:
            yield f"{path}.{name}", part


def values(option: Option) -> str:
    """Return the words for the valid values of an option."""
    return first_clause(option.read)


def _kind(kind: str, schema: Group, descriptions: Mapping[str, str]) -> str:
    description = descriptions[kind]
    needs = f" It requires {' or '.join(f'`{name}`' for name in schema.one_of)}." if schema.one_of else ""
    bare = f" `{kind}=true` uses all defaults." if schema.may_be_bare else ""
    rows = (
        _row(path.removeprefix(f"{kind}."), option, descriptions[path])
        for path, option in options(schema, kind)
    )
    table = markdown_table(("option", "values", "default", ""), rows)
    return f"\n### {kind}\n\n{description[0].upper()}{description[1:]}.{needs}{bare}\n{table}"


def _row(name: str, option: Option, description: str) -> tuple[str, ...]:
    default = "required" if option.required else format_default(option.default)
    return f"`{name}`", f"{values(option)}{_SECRECY[option.secrecy]}", default, description


if __name__ == "__main__":
    update_page(blocks())
