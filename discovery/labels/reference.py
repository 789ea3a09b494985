"""Generates the tables of the label reference pages from the vocabulary.

`python -m discovery.labels.reference docs/reference/labels-v1.md` updates that page; `labels-v3.md` likewise.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from discovery.labels.vocabulary import tcp, udp, v1
from discovery.labels.vocabulary.composite import COMPOSITE
from discovery.labels.vocabulary.containers import CONTAINER
from discovery.labels.vocabulary.label import Label, Support
from discovery.labels.vocabulary.routers import ROUTER, ROUTERS
from discovery.labels.vocabulary.servers_transports import TRANSPORT, TRANSPORTS
from discovery.labels.vocabulary.services import FILE_SERVERS, SERVERS, SERVICE, SERVICES
from discovery.labels.vocabulary.tls import CERTIFICATES, TLS_OPTIONS
from discovery.labels.vocabulary.tls import OPTIONS as TLS
from discovery.labels.vocabulary.translated import BACKEND_MIDDLEWARES, FRONTEND_MIDDLEWARES, find_option
from discovery.labels.vocabulary.v3 import IN_LABELS, OTHERS
from rondpoint.middlewares.descriptions import DESCRIPTIONS
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.reference_pages import first_clause, markdown_table, update_page


def blocks(page: str) -> Mapping[str, str]:
    """Return the generated blocks of `labels-v1.md` or `labels-v3.md`, by name."""
    return _PAGES[page]()


def _v1_blocks() -> dict[str, str]:
    return {
        "route": markdown_table(
            ("label", "values", "default", "description"),
            (_plain_row(each, "traefik.") for each in (*CONTAINER, *v1.ROUTES)),
        ),
        "middlewares": markdown_table(
            ("label below `traefik.frontend`", "middleware option", "values", "description", "served"),
            (_translated_row(each, "frontend.") for each in FRONTEND_MIDDLEWARES),
        ),
        "service": _support_table(v1.SERVICES, "label below `traefik.backend`", "backend."),
        "limits": markdown_table(
            ("label below `traefik.backend`", "middleware option", "values", "description", "served"),
            (_translated_row(each, "backend.") for each in BACKEND_MIDDLEWARES),
        ),
        "files": markdown_table(
            ("option", "values", "default", "description"), (_plain_row(each, "") for each in v1.FILE_OPTIONS)
        ),
    }


def _v3_blocks() -> dict[str, str]:
    return {
        "routers": _support_table(ROUTERS, "below `traefik.http.routers.NAME`", f"{ROUTER}."),
        "services": _support_table(
            (*SERVERS, *SERVICES), "below `traefik.http.services.NAME`", f"{SERVICE}."
        ),
        "servers-of-files": _support_table(FILE_SERVERS, "below `http.services.NAME`", f"{SERVICE}."),
        "composite": _support_table(COMPOSITE, "below `http.services.NAME`", f"{SERVICE}."),
        "servers-transports": _support_table(
            TRANSPORTS, "below `http.serversTransports.NAME`", f"{TRANSPORT}."
        ),
        "certificates": _support_table(CERTIFICATES, "below `tls`", "tls."),
        "tls-options": _support_table(TLS_OPTIONS, "below `tls.options.NAME`", f"{TLS}."),
        "tcp-routers": _support_table(tcp.ROUTERS, "below `traefik.tcp.routers.NAME`", f"{tcp.ROUTER}."),
        "tcp-services": _support_table(
            (*tcp.SERVERS, *tcp.SERVICES), "below `traefik.tcp.services.NAME`", f"{tcp.SERVICE}."
        ),
        "tcp-servers-of-files": _support_table(
            tcp.FILE_SERVERS, "below `tcp.services.NAME`", f"{tcp.SERVICE}."
        ),
        "tcp-servers-transports": _support_table(
            tcp.TRANSPORTS, "below `tcp.serversTransports.NAME`", f"{tcp.TRANSPORT}."
        ),
        "udp-routers": _support_table(udp.ROUTERS, "below `traefik.udp.routers.NAME`", f"{udp.ROUTER}."),
        "udp-services": _support_table(
            (*udp.SERVERS, *udp.SERVICES), "below `traefik.udp.services.NAME`", f"{udp.SERVICE}."
        ),
        "udp-servers-of-files": _support_table(
            udp.FILE_SERVERS, "below `udp.services.NAME`", f"{udp.SERVICE}."
        ),
        "others": _support_table((*OTHERS, *IN_LABELS), "below `traefik`", ""),
        "containers": markdown_table(
            ("label", "values", "default", "description"),
            (_plain_row(each, "traefik.") for each in CONTAINER),
        ),
    }


_PAGES = {"labels-v1.md": _v1_blocks, "labels-v3.md": _v3_blocks}


def support_text(label: Label) -> str:
    """Say whether the label has the effect that Traefik gives it."""
    if label.translates_to and label.support is Support.SERVED:
        return "yes" if label.translates_to.partition(".")[0] in SERVED_KINDS else "not yet"
    return label.support.value


def _support_table(labels: Iterable[Label], heading: str, prefix: str) -> str:
    return markdown_table(
        (heading, "values", "default", "description", "served"),
        (
            (
                _name(each, prefix),
                each.shown_values,
                each.shown_default,
                each.description,
                support_text(each),
            )
            for each in labels
        ),
    )


def _plain_row(label: Label, prefix: str) -> tuple[str, ...]:
    return f"`{prefix}{label.name}`", _values(label), label.shown_default, _description(label)


def _translated_row(label: Label, prefix: str) -> tuple[str, ...]:
    option = (
        f"[`{label.translates_to}`](middlewares.md#{label.translates_to.partition('.')[0].lower()})"
        if label.translates_to
        else ""
    )
    return _name(label, prefix), option, _values(label), _description(label), support_text(label)


def _name(label: Label, prefix: str) -> str:
    return f"`{label.name.removeprefix(prefix)}`"


def _values(label: Label) -> str:
    if label.translates_to and not label.values and label.read is None:
        return first_clause(find_option(label.translates_to).read)
    return label.shown_values


def _description(label: Label) -> str:
    return label.description or DESCRIPTIONS.get(label.translates_to, "")


if __name__ == "__main__":
    update_page(blocks(Path(sys.argv[1]).name))
