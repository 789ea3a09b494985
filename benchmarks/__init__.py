"""Measures Rondpoint beside other proxies: the same configuration, the same origin, one core each.

`python -m benchmarks` compares proxies under load, `python -m benchmarks.discovery` times a container's
way from its start to its first answer, `python -m benchmarks.profile` shows where a proxy's time goes.
docs/performance.md says how the figures come about.
"""
