"""Lines of an access log that is being written."""

import json
from pathlib import Path


def json_lines(log: Path) -> list[dict[str, object]]:
    """Those that are whole: the end of the last one may be under way."""
    return [json.loads(line) for line in log.read_text().rpartition("\n")[0].splitlines()]
