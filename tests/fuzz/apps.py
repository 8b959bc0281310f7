"""The applications under test. Each input goes to one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from cds_service.app import create_app
from cds_service.hooks.openapi import openapi
from cds_service.settings import Settings

NOW = datetime(2025, 9, 15, 10, tzinfo=ZoneInfo("Europe/Oslo"))
SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"


@contextmanager
def applications() -> Iterator[list[tuple[str, object, int]]]:
    """Name, application, and how many of ten inputs it gets."""
    numbers = iter(range(1, 2**62))

    def new_uuid() -> str:
        return str(UUID(int=next(numbers), version=4))

    def made(profile: str) -> object:
        return create_app(Settings(profile=profile), clock=lambda: NOW, new_uuid=new_uuid)

    yield [("development", made("development"), 9), ("production", made("production"), 1)]


def document() -> bytes:
    """The OpenAPI document that the answers are held against."""
    return openapi("http://127.0.0.1:8000", Settings().canonical_base, SAMPLES)
