"""`python -m discovery` is `rondpoint agent`."""

from discovery.process.command import agent

agent()
