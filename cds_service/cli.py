"""The command cno-cds. Exit codes: 0 fine; 1 a check failed; 2 bad usage or nothing readable; 3 partly done."""

from __future__ import annotations

import os
import stat
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import uvicorn
from rich.console import Console

from cds_service.app import create_app, make_answers, random_uuid, start_log, system_clock
from cds_service.doctor import findings
from cds_service.guideline.provenance import rules_version
from cds_service.guideline.source_check import not_found
from cds_service.hooks.answer import OSLO, encoded, read_day
from cds_service.hooks.connections import UVICORN_OPTIONS
from cds_service.hooks.language import Language
from cds_service.hooks.mapping_tables import draw_report, draw_units, members
from cds_service.hooks.services import Hook
from cds_service.hooks.terminal import draw, held_against, review_sheet
from cds_service.mappings.documents import lines_of
from cds_service.mappings.mapping_report import MappingReport
from cds_service.mappings.outgoing import operation_outcome
from cds_service.operations.bodies import require_text
from cds_service.operations.errors import RequestError
from cds_service.operations.log_faults import told
from cds_service.settings import PREFIX, Settings, SettingsError, read_settings
from cds_service.simulate.address import UsageError
from cds_service.simulate.client import UnreachableError
from cds_service.simulate.simulation import Options, play
from cds_service.simulate.vendor import Vendor

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_A_CHECK_FAILED = 1
_BAD_USAGE = 2
_PARTLY_DONE = 3
_LONGEST_TEXT = 2 * 2**20
"""Bytes; no recommendations are so long."""
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared with, not bound to

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="CNO in children: CDS Hooks service.")


def main() -> None:
    """Run the command. Of a fault of ours only types and places are printed: what it says may be of a record."""
    try:
        app()
    except Exception as fault:  # noqa: BLE001  whatever it is
        for each in told(fault):
            typer.echo(f"A fault of cno-cds: {encoded(each).decode()}", err=True)
        sys.exit(_A_CHECK_FAILED)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 1,
) -> None:
    """Serve hooks and pages over HTTP."""
    settings = _settings(host)
    address = settings.base_url or _address(host, port)
    settings = settings.model_copy(update={"base_url": address})
    typer.echo(f"cno-cds {version('cno-cds')} (rules {rules_version()}) on {address}/", err=True)
    start_log(settings)
    options: dict[str, Any] = {**UVICORN_OPTIONS, "host": host, "port": port, "log_config": None}
    if workers == 1:
        uvicorn.run(create_app(settings), **options)
    else:
        os.environ[f"{PREFIX}PROFILE"] = settings.profile or "development"
        os.environ[f"{PREFIX}BASE_URL"] = address
        uvicorn.run("cds_service.app:from_environment", factory=True, workers=workers, **options)


@app.command()
def evaluate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Bundles or hook requests; - is stdin.")],
    hook: Annotated[Hook, typer.Option(help="For a bare Bundle.")] = "patient-view",
    today: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD")] = None,
    lang: Annotated[Language | None, typer.Option()] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One Evaluation per file and line.")] = False,
) -> None:
    """Evaluate files as POST /evaluate would."""
    answers = make_answers(_settings(), system_clock, random_uuid)
    day = _day(today)
    show = _as_line if as_json else _as_panels(Console())
    failed = 0
    for number, name in enumerate(files, start=1):
        try:
            body = _content(name)
            require_text(body)
            members = answers.to_evaluation(body, hook=hook, today=day, language=lang)
        except RequestError as error:
            failed += 1
            members = {"error": operation_outcome(error.code, error.diagnostics), "file": number}
        show(number, members)
    if failed == len(files):
        _stop("None of the files could be evaluated.")
    if failed:
        typer.echo(f"{failed} of {len(files)} files could not be evaluated.", err=True)
        raise typer.Exit(_PARTLY_DONE)


@app.command(name="mapping-report")
def mapping_report(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="FHIR as lines or JSON; - is stdin.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    units: Annotated[
        bool, typer.Option("--units", help="List the units that are read otherwise than by UCUM.")
    ] = False,
) -> None:
    """Tell which codes and units are read as what, and which are not and why; nothing of a patient."""
    if units:
        draw_units()
        return
    settings = _settings()
    report = MappingReport(settings.today or system_clock().astimezone(OSLO).date(), settings.site_map)
    for name in files or ():
        report.add(lines_of(name))
    if as_json:
        sys.stdout.buffer.write(encoded(members(report)) + b"\n")
    elif report.resources:
        draw_report(report)
    if not report.resources:
        _stop("No FHIR resource could be read from the files." if files else "Name the files to report on, or --units.")
    if report.unread:
        typer.echo(f"{len(report.unread)} lines or files could not be read.", err=True)
        raise typer.Exit(_PARTLY_DONE)


@app.command()
def simulate(
    vendor: Annotated[Vendor, typer.Argument(help="Whose EHR calls.")],
    url: Annotated[str, typer.Argument(help="The base URL of a CDS Hooks service, or its /cds-services URL.")],
    service: Annotated[
        list[str] | None, typer.Option(metavar="HOOK=PATH", help="Where the service of a hook is, if no list tells it.")
    ] = None,
    bearer: Annotated[str | None, typer.Option(metavar="TOKEN", help="Sent as Authorization: Bearer.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One object with every step and finding.")] = False,
) -> None:
    """Call a CDS Hooks service as a vendor's EHR does, about an invented child, and judge its answers.

    Exit code 1 where a fault is found.
    """
    try:
        report = play(vendor, url, system_clock(), Options(tuple(service or ()), bearer))
    except (UsageError, UnreachableError) as fault:
        _stop(str(fault))
    if as_json:
        _as_line(0, report.to_json())
    else:
        report.draw(Console())
    if report.faults:
        raise typer.Exit(_A_CHECK_FAILED)


@app.command(name="review-sheet")
def review(
    against: Annotated[str | None, typer.Option(metavar="FILE", help="The recommendations as plain text.")] = None,
) -> None:
    """Print every number of the tables with the rule it belongs to, to be ticked off against the text.

    With --against each number is looked for in the text; exit code 1 where one is not found.
    """
    held = () if against is None else held_against(_text(against))
    for line in review_sheet(held):
        typer.echo(line)
    if not_found(held):
        raise typer.Exit(_A_CHECK_FAILED)


@app.command()
def doctor() -> None:
    """Check that the service can start here and that what it carries is whole."""
    found = list(findings())
    for holds, sentence in found:
        typer.echo(f"{'ok   ' if holds else 'FAIL '} {sentence}")
    if not all(holds for holds, _ in found):
        raise typer.Exit(_A_CHECK_FAILED)


def _address(host: str, port: int) -> str:
    """Where to ask for what is served on a host; one that means all addresses is reached as the loopback one."""
    if host in _ALL_ADDRESSES:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _settings(host: str | None = None) -> Settings:
    try:
        return read_settings(host)
    except SettingsError as fault:
        _stop(str(fault))


def _day(today: str | None) -> date | None:
    try:
        return None if today is None else read_day(today)
    except RequestError:
        _stop("--today must be a date, YYYY-MM-DD.")


def _content(name: str) -> bytes:
    """The bytes of a file, or of standard input.

    Raises:
        RequestError: it cannot be read.
    """
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError:
        raise RequestError(404, "not-found", "The file cannot be read.") from None


def _text(name: str) -> str:
    try:
        return _file(name).decode("utf-8-sig")
    except (OSError, ValueError):
        _stop("The text cannot be read: --against takes a file of plain text in UTF-8, of at most 2 MiB.")


def _file(name: str) -> bytes:
    """The bytes of a regular file. A device, or a pipe that nobody writes to, is opened without waiting and not read.

    Raises:
        OSError: it cannot be read, is no file or is too long.
        ValueError: no file can have that name.
    """
    descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(_LONGEST_TEXT + 1)
    finally:
        os.close(descriptor)
    if len(content) > _LONGEST_TEXT:
        raise OSError
    return content


def _as_line(_: int, members: dict[str, object]) -> None:
    sys.stdout.buffer.write(encoded(members) + b"\n")
    sys.stdout.buffer.flush()


def _as_panels(console: Console) -> Callable[[int, dict[str, Any]], None]:
    def show(number: int, members: dict[str, Any]) -> None:
        console.rule(f"{number}")
        if "error" in members:
            console.print(members["error"]["issue"][0]["diagnostics"], style="red", markup=False)
        else:
            draw(console, members)

    return show


def _stop(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(_BAD_USAGE)
