"""What the reference page of the middlewares has from the code: every kind with its options.

`python -m rondpoint.middlewares.reference docs/reference/middlewares.md` writes it there.
"""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.middlewares.descriptions import DESCRIPTIONS
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.middlewares.options import Group, Option, Secrecy
from rondpoint.middlewares.schemas import SCHEMAS
from rondpoint.reference_pages import first_clause, update_page, format_default, markdown_table

_SECRECY = {Secrecy.OPEN: "", Secrecy.HIDDEN: "; secret", Secrecy.HEADERS: "; secret where it may be"}


def blocks() -> dict[str, str]:
    """By name."""
    served = [kind for kind in SCHEMAS if kind in SERVED_KINDS]
    others = [kind for kind in SCHEMAS if kind not in SERVED_KINDS]
    return {
        "served": "".join(_kind(kind) for kind in sorted(served)),
        "unserved": "".join(_kind(kind) for kind in sorted(others)),
    }


def options(schema: Group, path: str) -> Iterator[tuple[str, Option]]:
    """Each option of a group, by its path from `path` on."""
    for name, part in schema.options.items():
        if isinstance(part, Group):
            yield from options(part, f"{path}.{name}")
        else:
            yield f"{path}.{name}", part


def values(option: Option) -> str:
    """What may be written for it."""
    return first_clause(option.read)


def _kind(kind: str) -> str:
    schema = SCHEMAS[kind]
    told = DESCRIPTIONS[kind]
    needs = f" It needs {' or '.join(f'`{name}`' for name in schema.one_of)}." if schema.one_of else ""
    bare = f" `{kind}=true` means all its defaults." if schema.may_be_bare else ""
    rows = (
        _row(path.removeprefix(f"{kind}."), option, DESCRIPTIONS[path]) for path, option in options(schema, kind)
    )
    made = markdown_table(("option", "values", "default", ""), rows)
    return f"\n### {kind}\n\n{told[0].upper()}{told[1:]}.{needs}{bare}\n{made}"


def _row(name: str, option: Option, description: str) -> tuple[str, ...]:
    default = "to be given" if option.required else format_default(option.default)
    return f"`{name}`", f"{values(option)}{_SECRECY[option.secrecy]}", default, description


if __name__ == "__main__":
    update_page(blocks())
