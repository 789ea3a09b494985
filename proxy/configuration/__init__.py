"""How a worker comes by its configuration: followed in the store, put into force, kept in a file."""
