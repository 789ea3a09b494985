"""The shared language of Rondpoint: model, rules, store contract, settings, diagnostics, command line."""

__version__: str


def __getattr__(name: str) -> str:
    """Return `__version__`, read from the installed package when something first asks for it."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # It takes 2 MB, and `rondpoint up` runs without it.
    from importlib.metadata import version  # noqa: PLC0415

    return version("rondpoint")
