"""A PostgreSQL of the tests' own: a real server on 127.0.0.1 that can be stopped and started again."""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from signal import SIGINT
from tempfile import mkdtemp
from time import monotonic, sleep
from uuid import uuid4

import psycopg

POSTGRES = Path(__file__).parent.parent.parent / "scripts" / "postgres"
BUILD_SECONDS = 1800
START_SECONDS = 180


class PostgresServer:
    """One cluster, in a folder outside of pytest's, which the server's user may not enter."""

    def __init__(self, port):
        self._port = port
        self._password = token_hex()
        self._folder = mkdtemp(prefix="cno-postgres-")
        self.url = f"postgresql://cno:{self._password}@127.0.0.1:{port}/postgres"
        self.process = None

    def start(self):
        command = [POSTGRES, str(self._port), self._password, self._folder]
        self.process = subprocess.Popen(command)  # noqa: S603  our own script
        deadline = monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                assert monotonic() < deadline, "PostgreSQL did not become ready."
                assert self.process.poll() is None, "PostgreSQL has ended."
                sleep(0.05)
            else:
                return

    def stop(self):
        """Stop it at once, whoever is connected."""
        self.process.send_signal(SIGINT)
        self.process.wait(START_SECONDS)

    def remove(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self._folder)


@contextmanager
def running_postgres(port):
    """Start a server; what it holds is gone in the end."""
    subprocess.run([POSTGRES, "--build"], check=True, timeout=BUILD_SECONDS)  # noqa: S603  our own script
    server = PostgresServer(port)
    try:
        server.start()
        yield server
        server.stop()
    finally:
        server.remove()


@contextmanager
def new_database(url):
    """The URL of a new, empty database on that server, for as long as it is needed."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"{url.rpartition('/')[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
