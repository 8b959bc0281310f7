"""A log for the length of a test, with everything that `configure` takes over put back afterwards."""

import json
import logging
import os
import resource
import sys
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from cds_service.operations.log import configure
from cds_service.operations.log_keys import Words
from tests.conftest import NOW

VIEW = "/cds-services/cno-patient-view"
WORDS = Words(
    routes=frozenset({VIEW, "/evaluate"}),
    tenants=frozenset({"hospital"}),
    refusals=frozenset({"signature", "expired"}),
    topics=frozenset({"CNOclassification", "CNObiopsy"}),
    events=frozenset({"key-set-fetched"}),
    rules="1.0.0",
)


@dataclass(frozen=True)
class Written:
    """The lines that were written so far."""

    path: Path

    @property
    def content(self):
        return self.path.read_bytes()

    @property
    def lines(self):
        return [json.loads(line) for line in self.content.splitlines()]


@contextmanager
def untouched():
    """Put back what a process has one of: root handlers, hooks, structlog's configuration."""
    loggers = [logging.root, *(each for each in logging.root.manager.loggerDict.values() if hasattr(each, "handlers"))]
    before = [(each, [*each.handlers], each.level, each.propagate, each.disabled) for each in loggers]
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    rest = logging.raiseExceptions, logging.lastResort
    memory = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        yield
    finally:
        for each, handlers, level, propagate, disabled in before:
            each.handlers[:] = handlers
            each.setLevel(level)
            each.propagate, each.disabled = propagate, disabled
        sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = hooks
        logging.raiseExceptions, logging.lastResort = rest
        resource.setrlimit(resource.RLIMIT_CORE, memory)
        structlog.reset_defaults()


@contextmanager
def logging_to(descriptor, words=WORDS, *, production=True):
    """The log of this process on a descriptor, at the fixed moment."""
    with untouched():
        configure(words, lambda: NOW, production=production, descriptor=descriptor)
        yield


@contextmanager
def logged(path, words=WORDS):
    """The log of this process in a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        with logging_to(descriptor, words):
            yield Written(path)
    finally:
        os.close(descriptor)
