"""Background work in the event loop of a worker: supervised tasks that yield to requests."""
