"""Whether a test that a document names is there, and runs."""  # noqa: INP001  beside the scripts that need it

import ast
import re
from collections.abc import Iterable
from functools import cache

from scripts.locked import ROOT

_PLACE = re.compile(r"tests/(?:\w+/)*test_\w+\.py")
_IDLE = re.compile(r"\b(?:skip|skipif|skipIf|skipUnless|skipTest|xfail|importorskip)\b")
_SERVERS = "pytest.mark.services"


@cache
def fault(test: str) -> str | None:
    """What is wrong with `tests/path.py::test_name`; None of a test that runs."""
    place, _, name = test.partition("::")
    if not _PLACE.fullmatch(place) or not (ROOT / place).is_file():
        return f"{test}: there is no such file of tests"
    functions, marks = _read(place)
    function = functions.get(name)
    if function is None:
        return f"{test}: there is no such test in the file"
    if any(_IDLE.search(told) for told in (*marks, *map(ast.unparse, function.decorator_list))) or _gives_up(function):
        return f"{test}: does not run, or not always"
    return None


def needs_a_server(test: str) -> bool:
    """Whether it runs in `make test-services`, not in `make test`."""
    place, _, name = test.partition("::")
    functions, marks = _read(place)
    decorators = map(ast.unparse, functions[name].decorator_list)
    return any(_SERVERS in told for told in (*marks, *decorators))


@cache
def _read(place: str) -> tuple[dict[str, ast.FunctionDef], tuple[str, ...]]:
    """The tests of a file by name, and what it says of all of them."""
    tree = ast.parse((ROOT / place).read_text("utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    functions = {node.name: node for node in defined if node.name.startswith("test_")}
    others = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return functions, tuple(ast.unparse(node) for node in others if _is_mark(node) or _gives_up(node))


def _is_mark(node: ast.stmt) -> bool:
    targets: Iterable[ast.expr] = node.targets if isinstance(node, ast.Assign) else ()
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets)


def _gives_up(node: ast.stmt) -> bool:
    """Whether it calls pytest.skip or its like."""
    calls = [ast.unparse(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)]
    return any(_IDLE.search(call) for call in calls)
