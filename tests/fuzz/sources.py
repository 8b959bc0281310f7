"""Where inputs come from, and how many of each."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.drawn import any_json, openapi_cases
from tests.fuzz.json_suite import json_suite
from tests.fuzz.mutations import mutations
from tests.fuzz.naughty import naughty
from tests.fuzz.resources import resources
from tests.fuzz.routes import routes
from tests.fuzz.tokens import feedback, tokens


@dataclass(frozen=True)
class Source:
    """`generate(random, count)` yields so many inputs, the same for the same state of `random`."""

    name: str
    weight: int
    generate: Callable


SOURCES = (
    Source("openapi", 3, openapi_cases),
    Source("any-json", 8, any_json),
    Source("resources", 20, resources),
    Source("json-suite", 12, json_suite),
    Source("naughty-strings", 15, naughty),
    Source("mutated-samples", 26, mutations),
    Source("routes", 8, routes),
    Source("feedback", 4, feedback),
    Source("tokens", 4, tokens),
)
