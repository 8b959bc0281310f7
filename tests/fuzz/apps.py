"""The applications under test. Each input goes to one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from cds_service.app import create_app
from cds_service.hooks.openapi import openapi
from cds_service.settings import Settings
from tests.conftest import NOW
from tests.hospital import SOUTH, environment

SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"


@contextmanager
def applications() -> Iterator[list[tuple[str, object, int]]]:
    """Name, application, and how many of ten inputs it gets."""
    numbers = iter(range(1, 2**62))

    def new_uuid() -> str:
        return str(UUID(int=next(numbers), version=4))

    def made(**settings: object) -> object:
        return create_app(Settings(**settings), clock=lambda: NOW, new_uuid=new_uuid)

    with TemporaryDirectory() as folder:
        at_home = {name.lower(): value for name, value in environment(Path(folder), SOUTH).items()}
        development = made(profile="development", database_url=f"sqlite:///{folder}/development.db")
        yield [("development", development, 9), ("production", signed(made(**at_home)), 1)]


def signed(app):
    """The same with a good token and host on each request that has none."""

    async def call(scope, receive, send):
        names = {name.lower() for name, _ in scope["headers"]}
        more = [] if b"host" in names else [(b"host", b"cds.example.no")]
        if b"authorization" not in names:
            more.append((b"authorization", f"Bearer {SOUTH.token(scope['path'])}".encode()))
        await app({**scope, "headers": [*scope["headers"], *more]}, receive, send)

    return call


def document() -> bytes:
    """The OpenAPI document that the answers are held against."""
    return openapi("http://127.0.0.1:8000", Settings().canonical_base, SAMPLES)
