"""Injects faults into real processes under a steady load, and counts failed requests."""
