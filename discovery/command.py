"""`rondpoint agent`: the agent as a process."""

from __future__ import annotations

import logging
import os
import signal
import threading

import click

from discovery.agent import Agent
from rondpoint import logs
from rondpoint.cli.flags import PASS_ON, load_or_exit, say_warnings, settings_flags
from rondpoint.settings import Settings
from rondpoint.settings.sources.environment import FLAGS
from rondpoint.store.client import connect

ENDING = (signal.SIGTERM, signal.SIGINT)


@click.command(context_settings=PASS_ON)
@settings_flags
def agent(flags: tuple[str, ...]) -> None:
    """Read the sources of routes and write the merged configuration to the store.

    Takes settings as flags, such as --redis.url=redis://host or --providers.docker.
    """
    loaded = load_or_exit(flags)
    url = loaded.settings.redis.url
    if url is None:
        click.echo(
            "error: settings: redis.url: it is not set, and an agent needs a store to write to", err=True
        )
        raise SystemExit(2)
    logs.configure(loaded.settings.log)
    if FLAGS not in os.environ:
        # `rondpoint up` has said them.
        say_warnings(loaded)
    _run_until_told(loaded.settings, url)


def _run_until_told(settings: Settings, url: str) -> None:
    # Waited for here rather than handled: a handler that sets an event deadlocks when it interrupts
    # the very thread that holds the event's lock. Threads inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    stop = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with connect(url) as client:
                Agent(settings, client).run(stop)
        except BaseException as error:
            logging.getLogger(__name__).exception("the agent failed")
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    worker = threading.Thread(target=work, name="agent", daemon=True)
    worker.start()
    told = signal.Signals(signal.sigwait(ENDING))
    if not stop.is_set() and worker.is_alive():
        logging.getLogger(__name__).info("%s: the agent ends", told.name)
    stop.set()
    worker.join()
    if failed:
        raise SystemExit(1)
