"""A worker's configuration: follows the store, applies changes and saves the last state to a file."""
