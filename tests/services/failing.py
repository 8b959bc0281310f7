"""The service as a process that fails where it is told to: python failing.py PORT WORKERS WAY."""

import asyncio
import os
import signal
import sys

import uvicorn

from cds_service import app, settings
from cds_service.hooks import answer
from cds_service.operations.log import configure
from cds_service.operations.log_keys import Words

WAY = "FAILING_WAY"


def _lost(text):
    async def fail():
        raise ExceptionGroup(text, [KeyError(text)])

    _lost.task = asyncio.get_running_loop().create_task(fail(), name=text[:100])


def _fail(way, text):
    match way:
        case "raise":
            raise ExceptionGroup(text, [KeyError(text)])
        case "exit":
            raise SystemExit(text)
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "lose":
            _lost(text)


def served():
    """What from_environment makes, but for the fault; it tells what the first text of the request is."""
    configure(Words(), app.system_clock, production=True)
    read = answer.read_hook

    def failing(body, hook):
        _fail(os.environ[WAY], body.decode())
        return read(body, hook)

    answer.read_hook = failing
    return app.create_app(settings.read_settings())


if __name__ == "__main__":
    port, workers, os.environ[WAY] = sys.argv[1:]
    configure(Words(), app.system_clock, production=True)
    uvicorn.run(
        "tests.services.failing:served",
        factory=True,
        port=int(port),
        workers=int(workers),
        log_config=None,
        access_log=False,
        server_header=False,
    )
