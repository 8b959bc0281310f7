"""One server for all tests of a file, and a connection to it."""

import pytest

from tests.operations.serving import Echo, Peer, serving


@pytest.fixture(scope="module")
def served():
    echo = Echo()
    with serving(echo) as port:
        yield port, echo


@pytest.fixture
def peer(served):
    with Peer(served[0]) as peer:
        yield peer
