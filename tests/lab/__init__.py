"""The real parts that tests run on: engine, images, compose, stores, processes, origins, a raw client."""
