import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from discovery.providers.errors import ProviderError
from discovery.providers.file import FileProvider
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import FileOptions
from tests.discovery.providers.watching import watched

ROUTES = """
http:
  routers:
    {name}:
      rule: Host(`{name}.test`)
      service: {name}
  services:
    {name}:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:9000
"""


def routes(name: str) -> str:
    return ROUTES.format(name=name)


def serves(*names: str) -> Callable[[Configuration], bool]:
    return lambda configuration: set(configuration.routers) == {f"{name}@file" for name in names}


def replace(path: Path, text: str) -> None:
    """Replace a file atomically: a reader could see a file that is being written as empty."""
    new = path.with_name("new")
    new.write_text(text)
    new.rename(path)


def test_a_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "routes.yml"
    path.write_text(routes("one"))
    with watched(FileProvider(FileOptions(filename=path))) as running:
        assert serves("one")(running.next())
        path.write_text(routes("two"))
        running.until(serves("two"))


def test_a_file_name_that_is_not_utf_8_is_reported_in_a_publishable_form(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yml")).write_text("http: {routers: 5}")
    with watched(FileProvider(FileOptions(directory=tmp_path))) as running:
        (diagnostic,) = running.next().diagnostics
    assert str(tmp_path) in diagnostic.subject
    assert msgspec.json.decode(msgspec.json.encode(diagnostic), type=Diagnostic) == diagnostic


def test_a_replaced_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "routes.yml"
    path.write_text(routes("one"))
    with watched(FileProvider(FileOptions(filename=path))) as running:
        running.next()
        for name in ("two", "three"):
            replace(path, routes(name))
            running.until(serves(name))


def test_a_missing_file_is_reported_and_served_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "routes.yml"
    with watched(FileProvider(FileOptions(filename=path))) as running:
        (diagnostic,) = running.next().diagnostics
        assert str(path) in diagnostic.subject
        replace(path, routes("one"))
        assert running.until(serves("one")).diagnostics == ()
        path.unlink()
        assert running.until(serves()).diagnostics == (diagnostic,)


def test_a_broken_file_keeps_its_routes_and_those_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(routes("a"))
    (tmp_path / "b.toml").write_text('[backends.b.servers.s]\nurl = "http://127.0.0.1:1"\n')
    with watched(FileProvider(FileOptions(directory=tmp_path))) as running:
        assert serves("a")(running.next())
        replace(tmp_path / "a.yml", "http: [")
        broken = running.until(lambda each: bool(each.diagnostics))
        assert serves("a")(broken)
        assert "a.yml" in broken.diagnostics[0].subject
        replace(tmp_path / "a.yml", routes("c"))
        assert running.until(serves("c")).diagnostics == ()


def test_files_of_a_directory_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(routes("a"))
    with watched(FileProvider(FileOptions(directory=tmp_path))) as running:
        running.next()
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "b.yaml").write_text(routes("b"))
        running.until(serves("a", "b"))
        (tmp_path / "a.yml").unlink()
        running.until(serves("b"))
        shutil.rmtree(tmp_path / "sub")
        running.until(serves())


def test_a_swap_of_links_as_kubernetes_makes_it_is_followed(tmp_path: Path) -> None:
    def publish(version: str) -> None:
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "routes.yml").write_text(routes(version))
        (tmp_path / "..data_tmp").symlink_to(f"..{version}")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("one")
    (tmp_path / "routes.yml").symlink_to("..data/routes.yml")
    for options in (FileOptions(directory=tmp_path), FileOptions(filename=tmp_path / "routes.yml")):
        version = "two" if options.directory else "three"
        with watched(FileProvider(options)) as running:
            running.next()
            publish(version)
            running.until(serves(version))


def test_a_link_target_outside_the_watched_folder_is_followed_too(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    target = tmp_path / "target.yml"
    target.write_text(routes("one"))
    (tmp_path / "here" / "routes.yml").symlink_to(target)
    with watched(FileProvider(FileOptions(directory=tmp_path / "here"))) as running:
        running.next()
        target.write_text(routes("three"))
        running.until(serves("three"))


def test_a_replaced_folder_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "routes"
    folder.mkdir()
    (folder / "a.yml").write_text(routes("a"))
    with watched(FileProvider(FileOptions(directory=folder))) as running:
        running.next()
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "b.yml").write_text(routes("b"))
        folder.rename(tmp_path / "old")
        (tmp_path / "new").rename(folder)
        running.until(serves("b"))
        (folder / "c.yml").write_text(routes("c"))
        running.until(serves("b", "c"))


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    for options in (
        FileOptions(directory=tmp_path / "none"),
        FileOptions(filename=tmp_path / "none" / "routes.yml"),
    ):
        with pytest.raises(ProviderError, match="none"):
            FileProvider(options).watch(print, threading.Event())


def test_without_watch_it_emits_one_configuration(tmp_path: Path) -> None:
    path = tmp_path / "routes.yml"
    path.write_text(routes("one"))
    with watched(FileProvider(FileOptions(filename=path, watch=False))) as running:
        running.next()
        path.write_text(routes("two"))
        assert running.quiet()


def test_a_write_that_changes_nothing_is_not_emitted(tmp_path: Path) -> None:
    path = tmp_path / "routes.yml"
    path.write_text(routes("one"))
    with watched(FileProvider(FileOptions(filename=path))) as running:
        running.next()
        (tmp_path / "other.txt").write_text("x")
        replace(path, routes("one"))
        assert running.quiet()


def test_it_stops_at_once(tmp_path: Path) -> None:
    with watched(FileProvider(FileOptions(directory=tmp_path))) as running:
        running.next()
        running.end()
