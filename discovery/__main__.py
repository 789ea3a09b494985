"""`python -m discovery` is `rondpoint agent`."""

from discovery.command import agent

agent()
