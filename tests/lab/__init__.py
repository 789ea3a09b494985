"""Starts the real parts that tests use: Docker engines, images, stores, processes, origins, clients."""
