"""Files, folders, modules, make targets, pages and headings that the documents name exist."""

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


def test_there_are_pages_to_check() -> None:
    assert {Path("README.md"), Path("CONTRIBUTING.md"), Path("docs/architecture.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_paths_of_the_repository_exist(page: Path) -> None:
    named = set(PATH.findall((ROOT / page).read_text()))
    assert [path for path in sorted(named) if not any(ROOT.glob(path.rstrip("/")))] == []


def sections(page: Path) -> Iterator[str]:
    yield from re.split(r"^## ", (ROOT / page).read_text(), flags=re.MULTILINE)


def test_short_file_names_in_the_architecture_are_in_a_named_folder() -> None:
    missing = []
    found = 0
    for section in sections(Path("docs/architecture.md")):
        folders: set[Path] = set()
        for path in map(ROOT.joinpath, PATH.findall(section)):
            folders |= {path, path.parent} if path.is_dir() else {path.parent}
        for name in BARE.findall(section):
            paths = [folder / name for folder in folders if (folder / name).exists()]
            folders |= {path for path in paths if path.is_dir()}
            found += len(paths)
            if not paths and not (ROOT / name).exists():
                missing.append(name)
    assert missing == []
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
    """Return whether the full path is named, or the short name in the row of its package."""
    row = re.search(rf"^\| `{room.parent}/` .*$", text, re.MULTILINE)
    return f"`{room}/" in text or (row is not None and f"`{room.name}/`" in row[0])


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    listed = {(ROOT / "docs" / target).resolve() for target, _ in LINK.findall(index)}
    pages = {ROOT / page for page in PAGES if page.parts[0] == "docs"}
    assert pages - listed == {ROOT / "docs/README.md"}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_modules_in_commands_exist(page: Path) -> None:
    named = set(MODULE.findall((ROOT / page).read_text()))
    assert [module for module in sorted(named) if find_spec(module) is None] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(TARGET.findall((ROOT / page).read_text())) - targets == set()


def anchors(page: Path) -> set[str]:
    """Return the anchors of its headings, as Markdown renderers on the web create them."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", page.read_text())):
        bare = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading).lower())
        slug = bare.strip().replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_have_existing_targets(page: Path) -> None:
    text = FENCED.sub("", (ROOT / page).read_text())
    missing = []
    for target, anchor in LINK.findall(text):
        path = (ROOT / page).parent / target if target else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            missing.append(f"{target}#{anchor}")
    assert missing == []
