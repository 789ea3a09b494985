"""Tests of what crosses processes: real engine, real store, the installed commands."""
