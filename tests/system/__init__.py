"""Tests across processes: a real engine, a real store, and the installed commands."""
