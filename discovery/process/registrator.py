"""The command `rondpoint registrator`: runs the registrar without the rest of the agent."""

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


class _RawCommand(click.Command):
    """A command that leaves all arguments unparsed: click does not support long flags after a single dash."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = tuple(args)
        return args


@click.command(cls=_RawCommand, add_help_option=False)
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
    run_until_signalled("registrator", lambda stop: _run(command, stop))


def _run(command: RegistrarCommand, stop: threading.Event) -> None:
    plan = command.plan
    logger.info(
        "registering containers of %s in %s with ids %s:…",
        plan.engine.endpoint,
        plan.consul,
        plan.options.hostname,
    )
    if command.attempts >= 0:
        _wait_for_consul(command, stop)
    registrar = Registrar(lambda: plan)
    states = ProviderStates([registrar.name])
    log_thread = threading.Thread(target=_log_diagnostics, args=(states, stop), name="findings", daemon=True)
    log_thread.start()
    supervise(registrar, states, stop)
    states.wake_up.set()
    log_thread.join()


def _wait_for_consul(command: RegistrarCommand, stop: threading.Event) -> None:
    """Return once Consul responds. Exits with status 1 if it does not within the attempts of the command."""
    with Client(command.plan.consul) as client:
        for remaining in range(command.attempts, -1, -1):
            error = _connection_error(client)
            if error is None:
                return
            if not remaining:
                logger.error("%s; that was the last attempt", error)
                raise SystemExit(1)
            logger.warning("%s; attempts left: %d", error, remaining)
            if stop.wait(command.interval):
                return


def _connection_error(client: Client) -> ConsulError | None:
    try:
        client.leader()
    except ConsulError as error:
        return error
    return None


def _log_diagnostics(states: ProviderStates, stop: threading.Event) -> None:
    """Log each diagnostic about containers once, until `stop`."""
    diagnostic_log = DiagnosticLog(logger)
    while not stop.is_set():
        states.wake_up.wait()
        states.wake_up.clear()
        for configuration in states.snapshot().configurations.values():
            diagnostic_log.log_new(configuration.diagnostics)
