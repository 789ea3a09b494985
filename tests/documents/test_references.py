"""What the documents point at is there: files, folders, modules, make's targets, pages and their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.md"))
)

TOP = "benchmarks|discovery|docs|proxy|requirements|rondpoint|tests"
PATH = re.compile(rf"(?<![\w/.:@<{{-])(?:{TOP})/(?:[\w.*/-]*[\w*/])?")
BARE = re.compile(r"`([\w-]+(?:/|\.py|\.lua|\.lark))`")
MODULE = re.compile(r"python -m ([a-z][\w.]*)")
TARGET = re.compile(r"(?:`|^)make ([a-z]+)\b", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_there_are_pages_to_look_at() -> None:
    assert {Path("README.md"), Path("CONTRIBUTING.md"), Path("docs/architecture.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_paths_of_the_repository_exist(page: Path) -> None:
    named = set(PATH.findall((ROOT / page).read_text()))
    assert [path for path in sorted(named) if not any(ROOT.glob(path.rstrip("/")))] == []


def sections(page: Path) -> Iterator[str]:
    yield from re.split(r"^## ", (ROOT / page).read_text(), flags=re.MULTILINE)


def test_files_that_the_architecture_names_briefly_are_beside_those_named_in_full() -> None:
    lost = []
    found = 0
    for section in sections(Path("docs/architecture.md")):
        folders: set[Path] = set()
        for path in map(ROOT.joinpath, PATH.findall(section)):
            folders |= {path, path.parent} if path.is_dir() else {path.parent}
        for name in BARE.findall(section):
            places = [folder / name for folder in folders if (folder / name).exists()]
            folders |= {place for place in places if place.is_dir()}
            found += len(places)
            if not places and not (ROOT / name).exists():
                lost.append(name)
    assert lost == []
    assert found > 10


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rooms = [
        path.parent
        for package in ("rondpoint", "discovery", "proxy")
        for path in (ROOT / package).glob("*/__init__.py")
    ]
    assert len(rooms) > 20
    assert [str(room) for room in rooms if not _is_named(text, room.relative_to(ROOT))] == []


def _is_named(text: str, room: Path) -> bool:
    """In full, or briefly in the row of its package."""
    row = re.search(rf"^\| `{room.parent}/` .*$", text, re.MULTILINE)
    return f"`{room}/" in text or (row is not None and f"`{room.name}/`" in row[0])


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    listed = {(ROOT / "docs" / target).resolve() for target, _ in LINK.findall(index)}
    pages = {ROOT / page for page in PAGES if page.parts[0] == "docs"}
    assert pages - listed == {ROOT / "docs/README.md"}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_modules_that_are_to_be_run_exist(page: Path) -> None:
    named = set(MODULE.findall((ROOT / page).read_text()))
    assert [module for module in sorted(named) if find_spec(module) is None] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall((ROOT / page).read_text())) - targets == set()


def anchors(page: Path) -> set[str]:
    """Of its headings, as Markdown's readers on the web make them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", page.read_text())):
        bare = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading).lower())
        slug = bare.strip().replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCED.sub("", (ROOT / page).read_text())
    lost = []
    for target, anchor in LINK.findall(text):
        path = (ROOT / page).parent / target if target else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(f"{target}#{anchor}")
    assert lost == []
