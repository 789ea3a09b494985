"""Buffers whole bodies: in memory up to a limit, beyond it in temporary files."""
