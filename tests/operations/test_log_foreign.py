"""Whoever writes in this process, by whatever way: no value of a request comes through."""

import asyncio
import gc
import json
import logging
import logging.config
import subprocess
import sys
import warnings

import pytest
import uvicorn

from tests.conftest import ROOT
from tests.operations.logs import logged, untouched

PRIVATE = "Olav-Nordmann-01010012345"
LIBRARIES = [
    "uvicorn",
    "uvicorn.error",
    "uvicorn.asgi",
    "asyncio",
    "httpx2",
    "httpcore2.http11",
    "sqlalchemy.engine.Engine",
    "alembic.runtime.migration",
    "concurrent.futures",
    "py.warnings",
    "joserfc",
    "psycopg",
    "root",
]


class Leaky:
    """An object whose every text is private."""

    def __repr__(self):
        return PRIVATE

    __str__ = __format__ = __repr__


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(
    "message", [PRIVATE, f"%s {PRIVATE}", "%s", "%d", Leaky(), ValueError(PRIVATE), {"a": PRIVATE}]
)
def test_of_a_record_of_a_library_only_logger_and_level_are_told(log, name, message):
    logger = logging.getLogger(name)
    logger.error(message, PRIVATE, extra={"patient": PRIVATE})
    logger.warning(message, Leaky(), stack_info=True)
    assert b"Nordmann" not in log.content
    assert [(line["event"], line["level"]) for line in log.lines] == [("foreign", "error"), ("foreign", "warning")]
    assert {line["logger"] for line in log.lines} <= {name, name.rpartition(".")[0], name.partition(".")[0], "other"}
    assert not any("message" in line for line in log.lines)


def test_templates_of_the_server_are_told_without_what_is_put_into_them(log):
    server = logging.getLogger("uvicorn.error")
    server.info("Uvicorn running on %s://%s:%d (Press CTRL+C to quit)", "https", PRIVATE, 8000)
    server.info("Child process [4711] died")
    server.info(f"Child process [{PRIVATE}] died")
    assert [line.get("message") for line in log.lines] == [
        "Uvicorn running (Press CTRL+C to quit)",
        "Child process died",
        None,
    ]
    assert {line["logger"] for line in log.lines} == {"uvicorn.error"}


def test_a_logger_that_is_named_for_a_request_is_told_as_other(log):
    logging.getLogger(PRIVATE).error("x")
    logging.getLogger(f"asyncio.{PRIVATE}").error("x")
    logging.getLogger().error("x")
    assert [line["logger"] for line in log.lines] == ["other", "asyncio", "root"]


def test_the_servers_own_access_log_is_off_and_handlers_of_libraries_are_gone(tmp_path, capfd):
    names = [uvicorn.__name__, "uvicorn.access", "sqlalchemy.engine.Engine", "alone"]
    shown = logging.StreamHandler(sys.__stderr__)
    with untouched():
        for name in names:
            logging.getLogger(name).addHandler(shown)
        with logged(tmp_path / "log") as log:
            logging.getLogger("alone").propagate = False
            for name in names:
                logging.getLogger(name).error('%s - "GET %s" %d', PRIVATE, f"/x?patient={PRIVATE}", 200)
        assert [line["logger"] for line in log.lines] == ["uvicorn", "sqlalchemy.engine.Engine"]
    assert capfd.readouterr() == ("", "")
    assert b"Nordmann" not in log.content


def test_a_logger_that_the_configuration_of_a_library_silenced_is_heard_again(tmp_path):
    server = logging.getLogger("uvicorn.error")
    with untouched():
        logging.config.dictConfig({"version": 1})
        assert server.disabled
        with logged(tmp_path / "log") as log:
            server.info("Shutting down")
        assert [line["message"] for line in log.lines] == ["Shutting down"]


def test_requests_to_fhir_servers_are_not_told_line_by_line(log):
    logging.getLogger("httpx2").info('HTTP Request: GET %s "%s"', f"https://ehr/Patient/{PRIVATE}", "200")
    logging.getLogger("httpcore2.http11").debug(PRIVATE)
    assert log.content == b""


@pytest.mark.parametrize("level", [1, 5, 35, 99])
def test_a_level_that_a_library_made_up_is_told_as_the_nearest_of_ours(log, level):
    logger = logging.getLogger("asyncio")
    logger.setLevel(1)
    logger.log(level, PRIVATE)
    assert [line["level"] for line in log.lines] == {1: [], 5: [], 35: ["warning"], 99: ["critical"]}[level]


def test_an_exception_in_the_application_is_told_as_types_and_places(log):
    fault = ExceptionGroup(PRIVATE, [KeyError(PRIVATE)])
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=fault)
    (line,) = log.lines
    assert line["message"] == "Exception in ASGI application"
    assert [fault["type"] for fault in line["faults"]] == ["ExceptionGroup", "KeyError"]
    assert b"Nordmann" not in log.content


def test_a_port_that_is_taken_is_told_by_the_name_of_the_error(log):
    logging.getLogger("uvicorn.error").error(OSError(98, PRIVATE))
    assert log.lines[0]["faults"] == [{"type": "OSError", "errno": "EADDRINUSE", "frames": []}]


@pytest.mark.parametrize("debug", [False, True])
def test_a_task_that_nobody_waits_for_fails_without_a_word(log, debug):
    async def fail(argument):
        raise KeyError(argument)

    async def scenario():
        task = asyncio.create_task(fail(PRIVATE), name=PRIVATE)
        await asyncio.wait([task])
        asyncio.get_running_loop().call_soon(lambda: {}[PRIVATE])
        await asyncio.sleep(0)

    asyncio.run(scenario(), debug=debug)
    gc.collect()
    told = [line for line in log.lines if "faults" in line]
    assert {line["logger"] for line in told} == {"asyncio"}
    assert [line["faults"][0]["type"] for line in told] == ["KeyError", "KeyError"]
    assert "Task exception was never retrieved" in {line.get("message") for line in told}
    assert b"Nordmann" not in log.content


def test_a_warning_is_told_as_category_and_place(log):
    class NordmannWarning(UserWarning):
        pass

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(PRIVATE, NordmannWarning, stacklevel=1)
    (line,) = log.lines
    assert (line["event"], line["category"]) == ("warning", "UserWarning")
    assert line["place"].startswith("tests/operations/test_log_foreign.py:")
    assert b"Nordmann" not in log.content


SCRIPT = """
import asyncio, gc, logging, os, resource, sys, threading, warnings
from datetime import UTC, datetime
from cds_service.operations.log import configure
from cds_service.operations.log_keys import Words
PRIVATE = sys.argv[2]

configure(Words(), lambda: datetime(2025, 9, 15, tzinfo=UTC), production=True)

class Finalized:
    def __del__(self):
        raise ValueError(PRIVATE)

async def slow():
    Finalized()
    open("/dev/null")
    await asyncio.sleep(0)
    raise ExceptionGroup(PRIVATE, [KeyError(PRIVATE)])

async def never(argument):
    return argument

async def tasks():
    asyncio.create_task(slow(), name=PRIVATE)
    never(PRIVATE)
    await asyncio.sleep(0.01)

def thread():
    raise LookupError(PRIVATE)

asyncio.run(tasks())
gc.collect()
one = threading.Thread(target=thread, name=PRIVATE)
one.start()
one.join()
warnings.warn(PRIVATE)
logging.getLogger("x").warning("%d", PRIVATE)
if resource.getrlimit(resource.RLIMIT_CORE)[0] != 0:
    sys.exit("A crash would leave an image of the memory.")
if sys.argv[1] == "raise":
    raise ExceptionGroup(PRIVATE, [KeyError(PRIVATE)])
os.abort()
"""


@pytest.mark.parametrize(("end", "code"), [("raise", 1), ("abort", -6)])
def test_a_process_that_fails_in_every_way_says_nothing_of_what_it_held(end, code):
    run = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-X", "dev", "-c", SCRIPT, end, PRIVATE],
        env={"PYTHONASYNCIODEBUG": "1", "PYTHONTRACEMALLOC": "5"},
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == code
    assert b"Nordmann" not in run.stdout + run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    told = {(line["event"], line.get("origin") or line.get("logger") or line.get("category")) for line in lines}
    assert told >= {
        ("uncaught", "finalizer"),
        ("uncaught", "thread"),
        ("foreign", "asyncio"),
        ("foreign", "other"),
        ("warning", "ResourceWarning"),
        ("warning", "RuntimeWarning"),
        ("warning", "UserWarning"),
    }
    assert (("uncaught", "main") in told) is (end == "raise")
