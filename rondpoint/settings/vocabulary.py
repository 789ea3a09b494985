"""The vocabulary: every known key, as a trie.

It holds the keys of the settings tree, the keys of Traefik 1, and the keys of options that are not served
yet. One walk down the trie finds the meaning of a key, or the nearest known key. Keys are compared
without regard to case.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rondpoint.settings.tree import Section, Settings, setting_key
from rondpoint.settings.tree.section import fields_of, is_excluded, section_of, split_annotation
from rondpoint.settings.unserved_options import UNSERVED_OPTIONS, UnservedOption
from rondpoint.settings.v1 import LISTS, TRANSLATIONS, Translation
from rondpoint.settings.values import ItemKeys

CONFIG_FILE = "configFile"
"""The key that names the file to read; only for flags and variables, not for the file itself."""

ANY = "*"
"""The key in a pattern that stands for a name chosen by the user."""


@dataclass(slots=True)
class KnownKey:
    """A key with its meaning and the keys that may follow it.

    `attribute`: the name in the settings tree, empty for a key outside it. `section`: other keys follow.
    `optional`: the section may be absent. `unserved`: set for an option that is not served.
    `translation`: set for a key of Traefik 1. `wildcard`: the key that stands for all names chosen by the
    user. `item_keys`: the keys of each item, if the value is a list of tables.
    """

    key: str = ""
    attribute: str = ""
    section: bool = False
    optional: bool = False
    unserved: UnservedOption | None = None
    translation: Translation | None = None
    children: dict[str, KnownKey] = field(default_factory=dict)
    wildcard: KnownKey | None = None
    item_keys: tuple[str, ...] = ()

    def child(self, key: str) -> KnownKey | None:
        """Return the following key, or None if it is unknown.

        An option that is not served may be a list, with items such as `domains[0]`.
        """
        listed = self.children.get(key.lower().partition("[")[0])
        if listed is not None and listed.unserved:
            return listed
        return self.children.get(key.lower(), self.wildcard)


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """The result for a path that is unknown after `depth` known keys; `hint` names the nearest known key."""

    depth: int
    hint: str


def build_vocabulary() -> KnownKey:
    """Build the vocabulary and return its root."""
    root = KnownKey(section=True)
    _add_section(root, Settings)
    _add_key(root, CONFIG_FILE)
    for pattern, translation in TRANSLATIONS.items():
        _add_key(root, pattern).translation = translation
    for pattern, item_keys in LISTS.items():
        _add_key(root, pattern).item_keys = item_keys
    for pattern, option in UNSERVED_OPTIONS.items():
        _add_key(root, pattern).unserved = option
    return root


def look_up(
    root: KnownKey, path: tuple[str, ...], spell_key: Callable[[str], str] = str
) -> tuple[KnownKey, ...] | UnknownKey:
    """Return the known keys along a path, or UnknownKey with a hint.

    The result ends at an option that is not served, unless the vocabulary knows the next key too.
    `spell_key` spells a dotted key as the source of `path` does.
    """
    found: list[KnownKey] = []
    known_key = root
    for depth, key in enumerate(path):
        child = known_key.child(key)
        if child is None:
            return UnknownKey(depth, _nearest_key_hint(root, known_key, path[:depth], key, spell_key))
        found.append(child)
        if child.unserved and not any(map(child.child, path[depth + 1 : depth + 2])):
            break
        known_key = child
    return tuple(found)


def join_table_key(root: KnownKey, path: tuple[str, ...]) -> tuple[str, ...]:
    """Join the items of a path below a table of values to one key, since such a key may contain dots."""
    known_key = root
    for depth, key in enumerate(path):
        child = known_key.child(key)
        if child is None:
            break
        if child is known_key.wildcard and not child.section:
            return (*path[:depth], ".".join(path[depth:]))
        known_key = child
    return path


def all_paths(known_key: KnownKey, parents: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every path of the vocabulary, with `*` for a name chosen by the user."""
    for child in [*known_key.children.values(), *([known_key.wildcard] if known_key.wildcard else [])]:
        path = (*parents, child.key)
        yield path
        yield from all_paths(child, path)


def _nearest_key_hint(
    root: KnownKey, known_key: KnownKey, parents: tuple[str, ...], key: str, spell_key: Callable[[str], str]
) -> str:
    # The key may be right but without its section, as in `--endpoint`.
    whole_paths = (path for path in all_paths(root) if path[-1].lower() == key.lower() and ANY not in path)
    if not parents and (path := next(whole_paths, None)):
        return f"did you mean {spell_key('.'.join(path))}?"
    close = difflib.get_close_matches(key.lower(), known_key.children, n=1, cutoff=0.6)
    if close:
        return f"did you mean {spell_key('.'.join((*parents, known_key.children[close[0]].key)))}?"
    if not known_key.children:
        return f"{spell_key('.'.join(parents))} has no keys below it" if parents else ""
    return "expected one of " + ", ".join(child.key for child in known_key.children.values())


def _add_key(root: KnownKey, pattern: str) -> KnownKey:
    """Return the known key at a dotted pattern, adding it if it is missing."""
    known_key = root
    for key in pattern.split("."):
        if key == ANY:
            known_key.wildcard = known_key.wildcard or KnownKey(ANY)
            known_key = known_key.wildcard
        else:
            known_key = known_key.children.setdefault(key.lower(), KnownKey(key))
    return known_key


def _add_section(known_key: KnownKey, section: type[Section]) -> None:
    for attribute, declared in fields_of(section).items():
        if is_excluded(declared):
            # The value is computed from other settings.
            continue
        child = _add_key(known_key, setting_key(attribute))
        child.attribute = attribute
        _, marks = split_annotation(declared.type)
        child.item_keys = next((mark.names for mark in marks if isinstance(mark, ItemKeys)), ())
        inner, optional, named_by_user = section_of(declared.type)
        if inner is None:
            if named_by_user:
                child.section = True
                child.wildcard = KnownKey(ANY, ANY)
            continue
        child.section, child.optional = True, optional
        if named_by_user:
            child.wildcard = KnownKey(ANY, ANY, section=True)
            child = child.wildcard
        _add_section(child, inner)
