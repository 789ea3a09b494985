"""`rondpoint registrator`: the registrar as a process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import click

from discovery.consul import Client, ConsulError
from discovery.process.log_reports import Findings
from discovery.process.termination import work_until_told
from discovery.providers.registrar import Registrar
from discovery.registrar.arguments import USAGE, Order, order
from discovery.registrar.flags import HelpWanted, UsageError
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
        asked = order(arguments)
    except HelpWanted:
        click.echo(USAGE)
        return
    except UsageError as error:
        click.echo(f"error: registrator: {error}\n`rondpoint registrator -h` lists the flags.", err=True)
        raise SystemExit(2) from None
    logs.configure(Log())
    for warning in asked.warnings:
        logger.warning("%s", warning)
    work_until_told("registrator", lambda stop: _work(asked, stop))


def _work(asked: Order, stop: threading.Event) -> None:
    plan = asked.plan
    logger.info(
        "containers of %s are registered in %s as %s:…", plan.docker, plan.consul, plan.options.hostname
    )
    if asked.attempts >= 0:
        _reach(asked, stop)
    registrar = Registrar(lambda: plan)
    board = ProviderStates([registrar.name])
    telling = threading.Thread(target=_tell, args=(board, stop), name="findings", daemon=True)
    telling.start()
    supervise(registrar, board, stop)
    board.bell.set()
    telling.join()


def _reach(asked: Order, stop: threading.Event) -> None:
    """Return once Consul answers; ends the program when it does not after so many attempts."""
    with Client(asked.plan.consul) as client:
        for left in range(asked.attempts, -1, -1):
            fault = _fault(client)
            if fault is None:
                return
            if not left:
                logger.error("%s; that was the last attempt", fault)
                raise SystemExit(1)
            logger.warning("%s; attempts left: %d", fault, left)
            if stop.wait(asked.interval):
                return


def _fault(client: Client) -> ConsulError | None:
    try:
        client.leader()
    except ConsulError as error:
        return error
    return None


def _tell(board: ProviderStates, stop: threading.Event) -> None:
    """Log what is wrong with containers' keys, once each."""
    findings = Findings(logger)
    while not stop.is_set():
        board.bell.wait()
        board.bell.clear()
        for configuration in board.snapshot().configurations.values():
            findings.tell(configuration.diagnostics)
