"""`rondpoint registrator`: the registrar as a process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import click

from discovery.consul import Client, ConsulError
from discovery.process.log_reports import DiagnosticLog
from discovery.process.termination import run_until_signalled
from discovery.providers.registrar import Registrar
from discovery.registrar.arguments import USAGE, RegistrarCommand, parse_command
from discovery.registrar.flags import HelpRequested, UsageError
from discovery.supervision.provider_states import ProviderStates
from discovery.supervision.supervisor import supervise
from rondpoint import logs
from rondpoint.settings import Log

logger = logging.getLogger(__name__)


class _GoCommand(click.Command):
    """Leaves the whole command line to us: click knows no flags of several letters after one dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = tuple(args)
        return args


@click.command(cls=_GoCommand, add_help_option=False)
def registrator(arguments: Sequence[str]) -> None:
    """Register Docker's containers in Consul, with Registrator's flags."""
    try:
        command = parse_command(arguments)
    except HelpRequested:
        click.echo(USAGE)
        return
    except UsageError as error:
        click.echo(f"error: registrator: {error}\n`rondpoint registrator -h` lists the flags.", err=True)
        raise SystemExit(2) from None
    logs.configure(Log())
    for warning in command.warnings:
        logger.warning("%s", warning)
    run_until_signalled("registrator", lambda stop: _work(command, stop))


def _work(command: RegistrarCommand, stop: threading.Event) -> None:
    plan = command.plan
    logger.info(
        "containers of %s are registered in %s as %s:…", plan.docker, plan.consul, plan.options.hostname
    )
    if command.attempts >= 0:
        _reach(command, stop)
    registrar = Registrar(lambda: plan)
    states = ProviderStates([registrar.name])
    telling = threading.Thread(target=_tell, args=(states, stop), name="findings", daemon=True)
    telling.start()
    supervise(registrar, states, stop)
    states.wake_up.set()
    telling.join()


def _reach(command: RegistrarCommand, stop: threading.Event) -> None:
    """Return once Consul answers; ends the program when it does not after so many attempts."""
    with Client(command.plan.consul) as client:
        for left in range(command.attempts, -1, -1):
            fault = _fault(client)
            if fault is None:
                return
            if not left:
                logger.error("%s; that was the last attempt", fault)
                raise SystemExit(1)
            logger.warning("%s; attempts left: %d", fault, left)
            if stop.wait(command.interval):
                return


def _fault(client: Client) -> ConsulError | None:
    try:
        client.leader()
    except ConsulError as error:
        return error
    return None


def _tell(states: ProviderStates, stop: threading.Event) -> None:
    """Log what is wrong with containers' keys, once each."""
    findings = DiagnosticLog(logger)
    while not stop.is_set():
        states.wake_up.wait()
        states.wake_up.clear()
        for configuration in states.snapshot().configurations.values():
            findings.log_new(configuration.diagnostics)
