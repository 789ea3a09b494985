"""A demonstration for machines without containers: `python -m rondpoint.demo` starts a complete Rondpoint."""
