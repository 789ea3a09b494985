"""What the reference pages of the labels have from the vocabulary.

`python -m discovery.labels.reference docs/reference/labels-v1.md` writes it there, and so for `labels-v3.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from discovery.labels.vocabulary import v1
from discovery.labels.vocabulary.composite import COMPOSED
from discovery.labels.vocabulary.containers import CONTAINER
from discovery.labels.vocabulary.label import Label, Standing
from discovery.labels.vocabulary.routers import ROUTER, ROUTERS
from discovery.labels.vocabulary.services import SERVERS, SERVERS_OF_FILES, SERVICE, SERVICES
from discovery.labels.vocabulary.translated import GUARDS, LIMITS, option_at
from discovery.labels.vocabulary.v3 import OTHERS
from rondpoint.middlewares.descriptions import MEANINGS
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.reference_pages import first_clause, refill, table


def blocks(page: str) -> Mapping[str, str]:
    """Those of `labels-v1.md` or `labels-v3.md`, by name."""
    return _PAGES[page]()


def _of_v1() -> dict[str, str]:
    return {
        "route": table(
            ("label", "values", "default", ""),
            (_plain(each, "traefik.") for each in (*CONTAINER, *v1.ROUTES)),
        ),
        "between": table(
            ("label, below `traefik.frontend`", "is", "values", "", "served"),
            (_translated(each, "frontend.") for each in GUARDS),
        ),
        "service": _served(v1.SERVICES, "label, below `traefik.backend`", "backend."),
        "limits": table(
            ("label, below `traefik.backend`", "is", "values", "", "served"),
            (_translated(each, "backend.") for each in LIMITS),
        ),
        "files": table(("option", "values", "default", ""), (_plain(each, "") for each in v1.OF_FILES)),
    }


def _of_v3() -> dict[str, str]:
    return {
        "routers": _served(ROUTERS, "below `traefik.http.routers.NAME`", f"{ROUTER}."),
        "services": _served((*SERVERS, *SERVICES), "below `traefik.http.services.NAME`", f"{SERVICE}."),
        "servers-of-files": _served(SERVERS_OF_FILES, "below `http.services.NAME`", f"{SERVICE}."),
        "composed": _served(COMPOSED, "below `http.services.NAME`", f"{SERVICE}."),
        "others": _served(OTHERS, "below `traefik`", ""),
        "containers": table(
            ("label", "values", "default", ""), (_plain(each, "traefik.") for each in CONTAINER)
        ),
    }


_PAGES = {"labels-v1.md": _of_v1, "labels-v3.md": _of_v3}


def served(label: Label) -> str:
    """Whether it has the effect that Traefik gives it."""
    if label.becomes and label.standing is Standing.SERVED:
        return "yes" if label.becomes.partition(".")[0] in SERVED_KINDS else "not yet"
    return label.standing.value


def _served(labels: Iterable[Label], head: str, above: str) -> str:
    return table(
        (head, "values", "default", "", "served"),
        (
            (_name(each, above), each.shown_values, each.shown_default, each.meaning, served(each))
            for each in labels
        ),
    )


def _plain(label: Label, before: str) -> tuple[str, ...]:
    return f"`{before}{label.name}`", _values(label), label.shown_default, _meaning(label)


def _translated(label: Label, above: str) -> tuple[str, ...]:
    option = (
        f"[`{label.becomes}`](middlewares.md#{label.becomes.partition('.')[0].lower()})"
        if label.becomes
        else ""
    )
    return _name(label, above), option, _values(label), _meaning(label), served(label)


def _name(label: Label, above: str) -> str:
    return f"`{label.name.removeprefix(above)}`"


def _values(label: Label) -> str:
    if label.becomes and not label.values and label.read is None:
        return first_clause(option_at(label.becomes).read)
    return label.shown_values


def _meaning(label: Label) -> str:
    return label.meaning or MEANINGS.get(label.becomes, "")


if __name__ == "__main__":
    refill(blocks(Path(sys.argv[1]).name))
