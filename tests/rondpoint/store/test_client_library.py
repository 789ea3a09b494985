"""The store's client library is loaded without OpenTelemetry, which traces can still load."""

from tests.lab.imports import modules_after


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
