"""What many tests share: one fixed moment, uuids that count, and a client that speaks to the app without a network."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
NOW = datetime(2025, 9, 15, 10, 0, tzinfo=ZoneInfo("Europe/Oslo"))

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite expected answers and generated text, then compare")


@dataclass(frozen=True)
class Client:
    """One request at a time to the app, in this process; an exception that the app lets through fails the test."""

    app: Any

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send it; `sender` is the address and port that it comes from."""
        return asyncio.run(self._send(method, url, options))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    async def _send(self, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, client=options.pop("sender", ("127.0.0.1", 123)))
        async with httpx.AsyncClient(transport=transport, base_url="http://cds.test") as client:
            return await client.request(method, url, **options)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture
def expect(pytestconfig: pytest.Config) -> Callable[[Path, str], None]:
    """Compare a text with the file that holds what is expected; `--update` writes it first."""

    def compare(path: Path, text: str) -> None:
        if pytestconfig.getoption("update"):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return compare


@pytest.fixture
def now() -> datetime:
    """15 September 2025, ten o'clock in Oslo."""
    return NOW


@pytest.fixture
def today(now: datetime) -> date:
    """The calendar date in Oslo at that moment."""
    return now.date()


@pytest.fixture
def new_uuid() -> Callable[[], str]:
    """Version 4 uuids that count from 1, afresh in each test."""
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012d}"


@pytest.fixture
def make_client(new_uuid: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Client]:
    """Make a client of an app with the fixed clock; keyword arguments are environment variables without CNO_CDS_."""
    from cds_service.app import create_app  # noqa: PLC0415  most tests need no app
    from cds_service.settings import Settings  # noqa: PLC0415  likewise

    for name in [name for name in os.environ if name.startswith("CNO_CDS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CNO_CDS_DATABASE_URL", f"sqlite:///{tmp_path / 'cno-cds.db'}")

    def make(**environment: str) -> Client:
        for name, value in environment.items():
            monkeypatch.setenv(f"CNO_CDS_{name}", value)
        return Client(create_app(Settings(), clock=lambda: NOW, new_uuid=new_uuid))

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """A client of the app as it stands without any setting."""
    return make_client()
