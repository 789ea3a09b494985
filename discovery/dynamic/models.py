"""Reports `http.models`, which have no effect: Traefik, too, applies only the models that it makes itself.

It makes them from the options of its entry points, and gives them names of its provider `internal`, which no
file, label or key can define.
"""

from __future__ import annotations

from discovery.decoding.section import Section

_GUARDS = {"middlewares": "http.middlewares", "tls": "http.tls"}
"""Options that may be meant to protect routers, and the entry point's options that do so."""

_OTHERS = {"observability": "observability"}


def report_models(http: Section) -> None:
    """Report each option of each model, with the option of the entry point of this name."""
    for name, model in http.sections("models"):
        for option, instead in (_GUARDS | _OTHERS).items():
            if not model.has(option):
                continue
            report = model.report.error if option in _GUARDS else model.report.warning
            message = f"{model.report.at(model.key(option))} has no effect, as in Traefik"
            report(message, f"set entryPoints.{name}.{instead}, in the settings")
        model.finish()
