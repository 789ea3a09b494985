"""The code in docs/middlewares.md works as the page says."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from rondpoint.middleware import Request, Response

PAGE = (Path(__file__).parents[2] / "docs" / "middlewares.md").read_text()
DEFINITION, BODIES, TEST = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_test_of_the_page_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shop.middlewares")
    exec(DEFINITION, vars(module))
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.middlewares", module)
    names: dict[str, object] = {}
    exec(TEST, names)
    test = names["test_the_key_is_checked"]
    assert callable(test)
    test()


@pytest.mark.parametrize(
    ("line", "expected"), [*zip(BODIES.splitlines(), (b"new", b"bx", b"AX"), strict=True)]
)
def test_each_way_to_change_a_body_works(line: str, expected: bytes) -> None:
    response = Response(body=iter([b"a", b"x"]))
    exec(line, {"response": response, "request": Request()})
    assert response.read() == expected
