"""HTTP client of providers: interruptible connections, time limits, and errors that say what failed."""
