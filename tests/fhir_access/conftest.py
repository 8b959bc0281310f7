"""respx over the client that the service uses: the same mocker, for the maintained successor of its library."""

import httpcore2
import pytest
import respx
from respx.mocks import HTTPCoreMocker


class _Successor(HTTPCoreMocker):
    name = "httpcore2"
    targets = [target.replace("httpcore.", "httpcore2.") for target in HTTPCoreMocker.targets]  # noqa: RUF012  as respx has it

    @classmethod
    async def from_async_httpx_response(cls, httpx_response, target, **kwargs):
        found = await super().from_async_httpx_response(httpx_response, target, **kwargs)
        return httpcore2.Response(
            found.status, headers=found.headers, content=found.stream, extensions=found.extensions
        )


@pytest.fixture
def fhir():
    """A router for requests to FHIR servers; one that it does not know fails the test."""
    with respx.mock(using="httpcore2", assert_all_called=False) as router:
        yield router
