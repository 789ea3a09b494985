"""Examples as in Traefik 1.7's documentation, each with what it serves."""

from __future__ import annotations

from tests.system.examples_of_traefik_1 import files, keys, labels
from tests.system.examples_of_traefik_1.example import Example

EXAMPLES: dict[str, Example] = {
    each.name: each for each in (*files.EXAMPLES, *labels.EXAMPLES, *keys.EXAMPLES)
}
