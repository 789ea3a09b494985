"""Reads an access log that is being written."""

import json
from pathlib import Path


def json_lines(log: Path) -> list[dict[str, object]]:
    """Return the complete lines, decoded; the last line may be incomplete."""
    return [json.loads(line) for line in log.read_text().rpartition("\n")[0].splitlines()]
