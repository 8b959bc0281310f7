"""One server for all tests of a file and a connection to it; the log of this process for one test."""

import pytest

from tests.operations.logs import logged
from tests.operations.serving import Echo, Peer, serving


@pytest.fixture
def log(tmp_path):
    with logged(tmp_path / "log") as written:
        yield written


@pytest.fixture(scope="module")
def served():
    echo = Echo()
    with serving(echo) as port:
        yield port, echo


@pytest.fixture
def peer(served):
    with Peer(served[0]) as peer:
        yield peer
