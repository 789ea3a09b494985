"""Something to see on a machine without containers: `python -m rondpoint.demo` starts a whole Rondpoint."""
