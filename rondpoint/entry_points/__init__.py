"""The options of entry points for all their routers, as middlewares."""
