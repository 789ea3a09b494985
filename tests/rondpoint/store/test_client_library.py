"""The store's client library is loaded without OpenTelemetry, and without its half for asyncio.

Others can still load both.
"""

import subprocess
import sys

from tests.lab.imports import modules_after

_AFTERWARDS = """
import asyncio
from rondpoint.store.client_library import import_redis
import_redis()
import redis
from redis.commands import core
assert not hasattr(redis, "unknown")
assert not asyncio.run(core.async_record_streaming_lag(response=None))
assert redis.asyncio.Redis().pipeline().set("a", 1)
import redis.asyncio.client
assert redis.asyncio is sys.modules["redis.asyncio"]
"""

_ANOTHER_VERSION = """
from rondpoint.store.client_library import import_redis


class AnotherVersion:
    def find_spec(self, name, path, target=None):
        if name == "redis.sentinel":
            import redis.asyncio.sentinel


sys.meta_path.insert(0, AnotherVersion())
import_redis()
import redis
assert redis.Redis and redis.asyncio.Redis and redis.asyncio.sentinel
"""


def test_redis_is_loaded_without_opentelemetry() -> None:
    # The tests' environment has it, so redis-py alone would load it.
    assert "opentelemetry.sdk.metrics" in modules_after("redis")
    loaded = modules_after("discovery.process.command")
    assert "redis" in loaded
    assert not {name for name in loaded if name.startswith("opentelemetry")}


def test_other_code_still_finds_opentelemetry() -> None:
    assert "opentelemetry.sdk.resources" in modules_after(
        "discovery.process.command", "opentelemetry.sdk.resources"
    )


def test_redis_is_loaded_without_its_half_for_asyncio() -> None:
    assert "redis.asyncio" in modules_after("redis")
    loaded = modules_after("discovery.process.command", "proxy.command", "proxy.runtime")
    assert not {name for name in loaded if name.startswith("redis.asyncio")}


def test_other_code_still_finds_the_half_for_asyncio() -> None:
    _run(_AFTERWARDS)


def test_a_version_that_cannot_do_without_that_half_is_loaded_whole() -> None:
    _run(_ANOTHER_VERSION)


def _run(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
