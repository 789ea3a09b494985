"""The reference page of the metrics, made from the catalogue.

`python -m proxy.telemetry.exposition.reference` prints it; `docs/reference/metrics.md` holds it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from proxy.telemetry.exposition.catalogue import METRICS, Metric
from rondpoint.store.metrics import BOUNDS

_HEAD = """\
# Metrics

Made from the code by `python -m proxy.telemetry.exposition.reference`: change it there.

`--metrics.prometheus` has `/metrics` served on the admin entry point, in the text form of Prometheus or as
OpenMetrics. All settings: [settings.md](settings.md).

```yaml
scrape_configs:
  - job_name: rondpoint
    static_configs:
      - targets: ["proxy-1:8080", "proxy-2:8080"]
```

- **The figures are an instance's**: the sums over all workers of the one proxy that is asked, whichever of
  them answers. Give Prometheus every instance as a target, and add up there.
- **They never fall while the proxy lives.** What a worker has counted that ends, is replaced or dies goes on
  in the sums. A proxy that starts anew begins at 0, as Prometheus expects.
- **`/metrics?scope=installation`** tells the figures of all instances on the same store, each under the
  label `rondpoint_instance`, for those who can reach only one of them. An instance that ends takes its
  figures along.
- Workers tell the store what they have counted once a second, and `/metrics` reads it there. While the store
  does not answer, `/metrics` answers 503: figures of one worker alone would look like a fall.
- A router or a service that is gone is no longer told of. What it counted stays in the sums of the entry
  point, and of the service where that is still there.

## Traefik's

Their names and labels are Traefik 3's, so that dashboards made for it work.

| metric | kind | labels | |
| --- | --- | --- | --- |
"""
_BETWEEN = """
- `code` is the status that the client got; 499, where it left before there was one. `method` is
  `EXTENSION_METHOD` for methods that clients make up, and for what was no request. `protocol` is `http`,
  `websocket`, `sse`, `grpc` or `grpc-web`.
- Upgraded connections (101) and malformed requests are in no histogram.
- What a middleware has answered came to the router, and not to the service. The time of a request is the same
  on all levels.
- With `metrics.prometheus.headerLabels`, `requests_total` has these labels too. A value of more than 1024
  bytes is `other`.
- Requests to API, dashboard, ping and `/metrics` are counted with `metrics.addInternals` only.
- `observability.metrics` of entry points and routers keeps requests out of all three levels
  ([telemetry.md](../telemetry.md#by-entry-point-and-router)); what is told of servers is of all requests.
- These are all that Traefik 3 names. Of what its library adds, `go_…` is of a language that is not ours, and
  `process_…` follows.

## Of processes

The names are those of every client of Prometheus, and the figures those of the instance that answers: of its
master and all its workers on this machine, as the kernel has them when it is asked.

| metric | kind | labels | |
| --- | --- | --- | --- |
{processes}
- CPU time does not fall when a worker is replaced or dies.
- The agent and the store are not among them, also where `rondpoint up` has started all three.
- `process_open_fds` is a sum and `process_max_fds` what one process has: with `process_max_fds *
  rondpoint_workers` an alarm is right where all workers are equally busy.
- With `?scope=installation` they are those of the instance that is asked, and of no other.

## Rondpoint's own

| metric | kind | labels | |
| --- | --- | --- | --- |
"""
_END = """
A request is counted at the server that was asked last, whatever `code` the client got; where that refused,
and another one answered, it is one of its failures. What came to no server, such as a 404 of ours, is counted
at none. `service` is the one that the server belongs to, which may be a member of the one that the router
leads to. A server that leaves its service is no longer told of, and begins at 0 when it comes back. With many
servers that come and go, `metrics.prometheus.addServersLabels=false` saves Prometheus their series.

Workers measure with the buckets up to {bounds} s, and those of `metrics.prometheus.buckets` besides.

What is worth an alarm: `rondpoint_config_age_seconds` above 10 (a worker no longer sees the store's
configuration), `rondpoint_workers_degraded` above 0 for long (workers hand out tickets on their own), no
`rondpoint_agents`, a `rondpoint_provider_up` of 0.
"""


def page() -> str:
    """The whole page, as Markdown."""
    ours = [metric for metric in METRICS if metric.name.startswith("rondpoint_")]
    processes = [metric for metric in METRICS if metric.name.startswith("process_")]
    theirs = [metric for metric in METRICS if metric not in (*ours, *processes)]
    between = _BETWEEN.format(processes=_rows(processes))
    bounds = ", ".join(f"{bound:g}" for bound in BOUNDS)
    return f"{_HEAD}{_rows(theirs)}{between}{_rows(ours)}{_END.format(bounds=bounds)}"


def _rows(metrics: Iterable[Metric]) -> str:
    return "".join(
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} "
        f"| {metric.help}{f' With `{metric.setting}`.' if metric.setting else ''} |\n"
        for metric in metrics
    ).replace("|  |", "| |")


if __name__ == "__main__":
    sys.stdout.write(page())
