"""The shared language of Rondpoint: model, rules, store contract, settings, diagnostics, command line."""

from importlib.metadata import version

__version__: str = version("rondpoint")
