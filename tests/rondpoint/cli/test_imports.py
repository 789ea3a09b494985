"""`rondpoint up` does not keep the memory of libraries that only its start or its children need."""

from tests.lab.imports import modules_after


def test_up_needs_no_settings_and_no_store_client() -> None:
    loaded = modules_after("rondpoint.cli", "rondpoint.cli.start_plan", "rondpoint.cli.run")
    assert "rondpoint.cli.supervisor" in loaded
    unneeded = {
        "asyncio",
        "click",
        "dataclasses",
        "importlib.metadata",
        "logging",
        "msgspec",
        "pydantic",
        "redis",
        "rondpoint.settings",
        "ssl",
        "typing",
        "yaml",
    }
    assert not loaded & unneeded
