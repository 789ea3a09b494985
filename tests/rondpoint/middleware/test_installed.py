"""Python middlewares of packages and modules: how they are found, and what is said if they are not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rondpoint.middleware.installed import InstalledMiddlewares, load_installed

GOOD = """
from rondpoint.middleware import Request, Response, middleware

@middleware("good")
def handle(request, forward):
    return forward(request)

@middleware("better")
def better(request, forward):
    return Response(204)
"""


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_is_named_or_is_a_file(importable: Path) -> None:
    (importable / "good_module.py").write_text(GOOD)
    (importable / "good-file.py").write_text(GOOD.replace('"good"', '"other"').replace('"better"', '"best"'))
    installed = load_installed(("good_module", str(importable / "good-file.py")))
    assert installed.names == ("best", "better", "good", "other")
    assert installed.find("good").function.__name__ == "handle"


def test_a_package_registers_its_middlewares_by_entry_points(importable: Path) -> None:
    (importable / "shop_module.py").write_text(GOOD)
    metadata = importable / "shop-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[rondpoint.middlewares]\nall = shop_module\ngood = shop_module:handle\nlost = shop_module:lost\n"
    )
    installed = load_installed()
    assert installed.names == ("better", "good")
    with pytest.raises(ValueError, match=r"the entry point lost = shop_module:lost could not be loaded"):
        installed.find("absent")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import absent_module", "could not be loaded: ModuleNotFoundError: No module named 'absent_module'"),
        ("1 / 0", "could not be loaded: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "could not be loaded: SystemExit: 3"),
        ("def broken(:", "could not be loaded: SyntaxError"),
        ("x = 1", "has no function with the decorator @middleware"),
        (GOOD.replace('"good"', '"a.b"'), "could not be loaded: ValueError: 'a.b' is not a name"),
    ],
)
def test_a_module_that_cannot_be_loaded_keeps_no_other_from_loading(
    importable: Path, text: str, reason: str
) -> None:
    (importable / "bad_module.py").write_text(text)
    (importable / "fine_module.py").write_text(GOOD)
    installed = load_installed(("bad_module", "fine_module"))
    assert installed.find("good")
    with pytest.raises(ValueError, match="no installed Python middleware has the name god") as caught:
        installed.find("god")
    assert reason in str(caught.value)
    assert "did you mean good?" in str(caught.value)


def test_a_name_that_two_functions_have_is_neither(importable: Path) -> None:
    (importable / "one_module.py").write_text(GOOD)
    (importable / "two_module.py").write_text(GOOD + "\nfrom one_module import handle as again\n")
    installed = load_installed(("one_module", "two_module"))
    with pytest.raises(ValueError, match="more than one installed Python middleware has the name good"):
        installed.find("good")


def test_without_middlewares_the_reason_says_so() -> None:
    with pytest.raises(ValueError, match=r"has the name x \(none is installed\)"):
        InstalledMiddlewares().find("x")
