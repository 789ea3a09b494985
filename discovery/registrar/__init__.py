"""Registers Docker containers as Consul services, compatible with Registrator."""
