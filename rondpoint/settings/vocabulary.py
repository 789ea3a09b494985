"""Every key that means something: the tree's own, Traefik 1's, and those known but not served yet.

They stand in one trie, so that one walk answers what a key is, and what its nearest neighbour is when
it is none. Keys compare without regard to case.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Union, get_args, get_origin

from rondpoint.settings.tree import Section, Settings, setting_key
from rondpoint.settings.unserved import UNSERVED_OPTIONS, UnservedOption
from rondpoint.settings.v1 import TRANSLATIONS, Translation

CONFIG_FILE = "configFile"
"""Names the file to read; a flag or a variable, never a key of that file."""

ANY = "*"
"""Stands in a pattern for a name that the user chooses."""


@dataclass(slots=True)
class KnownKey:
    """What a key may be followed by, and what it means itself.

    `attribute` is the name in the tree ("" for keys that are not in it); `section` is true where other
    keys follow; `optional` where the section may be absent; `unserved` is set for what is not served.
    """

    key: str = ""
    attribute: str = ""
    section: bool = False
    optional: bool = False
    unserved: UnservedOption | None = None
    translation: Translation | None = None
    children: dict[str, KnownKey] = field(default_factory=dict)
    wildcard: KnownKey | None = None

    def child(self, key: str) -> KnownKey | None:
        return self.children.get(key.lower(), self.wildcard)


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A path that left the vocabulary after `depth` known keys; `hint` names the nearest valid one."""

    depth: int
    hint: str


def build_vocabulary() -> KnownKey:
    """The vocabulary; each call gives its own."""
    root = KnownKey(section=True)
    _add_section(root, Settings)
    _place(root, CONFIG_FILE)
    for pattern, translation in TRANSLATIONS.items():
        _place(root, pattern).translation = translation
    for pattern, entry in UNSERVED_OPTIONS.items():
        _place(root, pattern).unserved = entry
    return root


def look_up(
    root: KnownKey, path: tuple[str, ...], spell_key: Callable[[str], str] = str
) -> tuple[KnownKey, ...] | UnknownKey:
    """The words along the path, ending early at the last that is not served; or where it leaves them.

    `show` writes a dotted key as the source of `path` would.
    """
    found: list[KnownKey] = []
    word = root
    for depth, key in enumerate(path):
        following = word.child(key)
        if following is None:
            return UnknownKey(depth, _nearest(root, word, path[:depth], key, spell_key))
        found.append(following)
        if following.unserved and not any(map(following.child, path[depth + 1 : depth + 2])):
            break
        word = following
    return tuple(found)


def join_table_key(root: KnownKey, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path with what follows a table of values made one key, since such a key may hold dots."""
    word = root
    for depth, key in enumerate(path):
        following = word.child(key)
        if following is None:
            break
        if following is word.wildcard and not following.section:
            return (*path[:depth], ".".join(path[depth:]))
        word = following
    return path


def all_paths(word: KnownKey, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of the vocabulary, `*` for a name that is free."""
    following = [*word.children.values(), *([word.wildcard] if word.wildcard else [])]
    for child in following:
        same_path = (*above, child.key)
        yield same_path
        yield from all_paths(child, same_path)


def _nearest(root: KnownKey, word: KnownKey, above: tuple[str, ...], key: str, spell_key: Callable[[str], str]) -> str:
    # The right key without what belongs before it, as in `--endpoint`.
    whole = (path for path in all_paths(root) if path[-1].lower() == key.lower() and ANY not in path)
    if not above and (path := next(whole, None)):
        return f"did you mean {spell_key('.'.join(path))}?"
    close = difflib.get_close_matches(key.lower(), word.children, n=1, cutoff=0.6)
    if close:
        return f"did you mean {spell_key('.'.join((*above, word.children[close[0]].key)))}?"
    if not word.children:
        return f"{spell_key('.'.join(above))} has no keys below it" if above else ""
    return "expected one of " + ", ".join(child.key for child in word.children.values())


def _place(root: KnownKey, pattern: str) -> KnownKey:
    word = root
    for key in pattern.split("."):
        if key == ANY:
            word.wildcard = word.wildcard or KnownKey(ANY)
            word = word.wildcard
        else:
            word = word.children.setdefault(key.lower(), KnownKey(key))
    return word


def _add_section(word: KnownKey, section: type[Section]) -> None:
    for attribute, info in section.model_fields.items():
        if info.exclude:
            # It follows from the others.
            continue
        child = _place(word, setting_key(attribute))
        child.attribute = attribute
        inner, optional, free = section_of(info.annotation)
        if inner is None:
            if free:
                child.section = True
                child.wildcard = KnownKey(ANY, ANY)
            continue
        child.section, child.optional = True, optional
        if free:
            child.wildcard = KnownKey(ANY, ANY, section=True)
            child = child.wildcard
        _add_section(child, inner)


def section_of(annotation: object) -> tuple[type[Section] | None, bool, bool]:
    """The section an annotation holds, whether it may be absent, whether it goes by free names.

    Without a section, free names are those of a table of values.
    """
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False, False
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType) and type(None) in arguments:
        inner, _, free = section_of(next(item for item in arguments if item is not type(None)))
        return inner, True, free
    if get_origin(annotation) is Mapping and len(arguments) == 2:
        return section_of(arguments[1])[0], False, True
    return None, False, False
