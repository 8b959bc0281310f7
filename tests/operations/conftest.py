import pytest

from tests.operations.logs import logged


@pytest.fixture
def log(tmp_path):
    """The log of this process for one test."""
    with logged(tmp_path / "log") as written:
        yield written
