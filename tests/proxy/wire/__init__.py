"""Tests of a real worker with bytes: what clients and origins receive."""
