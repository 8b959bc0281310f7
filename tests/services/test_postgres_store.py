"""What holds on SQLite holds on PostgreSQL; and what only a server can do to us."""

import pytest

from tests.feedback.test_store import *  # noqa: F403  every test of it, here on PostgreSQL

pytestmark = pytest.mark.services


@pytest.fixture
def url(postgres_database):
    return postgres_database
