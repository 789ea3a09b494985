"""Compares Rondpoint with other proxies: the same configuration, the same origin, one core each.

`python -m benchmarks` compares proxies under load. `python -m benchmarks.discovery` measures the time from a
container's start to its first response. `python -m benchmarks.profile` shows where a proxy spends its time.
docs/performance.md describes the method.
"""
