"""`python -m rondpoint`."""

from rondpoint.cli import main

main()
