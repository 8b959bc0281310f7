"""What may be told of an exception: names of types and places in the code. Never its text, a source line or a value."""

from __future__ import annotations

import errno
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_MOST_FAULTS = 5
_MOST_FRAMES, _FRAMES_OF_OTHERS = 16, 6
"""The innermost ones, of the exception itself and of each that it comes from: a line stays a line."""
_FILE = re.compile(r"[\w./\-]{1,120}\.pyx?|<frozen [\w.]{1,80}>|<string>", re.ASCII)
_FUNCTION = re.compile(r"[\w.<>]{1,120}", re.ASCII)
_UNNAMED = "other"


def told(fault: BaseException) -> list[dict[str, object]]:
    """An exception, then what it comes from and what it groups: `type`, `relation` to the one before, `frames`.

    Frames are `file:line:function`, the innermost last. An OSError names its `errno` too.
    """
    found: list[dict[str, object]] = []
    for each, relation in _related(fault):
        most = _FRAMES_OF_OTHERS if found else _MOST_FRAMES
        frames = [f"{place(file, line)}:{function}" for file, line, function in _frames(each.__traceback__)]
        code = errno.errorcode.get(each.errno or 0) if isinstance(each, OSError) else None
        found.append(
            {
                "type": type_name(type(each)),
                **({"relation": relation} if relation else {}),
                **({"errno": code} if code else {}),
                "frames": frames[-most:],
            }
        )
    return found


def type_name(kind: type) -> str:
    """The name of a class that its module knows under that name; of one made at run time that of the nearest base."""
    return next(filter(None, map(_known_name, kind.__mro__)), _UNNAMED)


def place(file: str, line: int) -> str:
    """`file:line`, the file as it is imported."""
    return f"{_relative(file)}:{line}"


def _related(fault: BaseException) -> Iterator[tuple[BaseException, str | None]]:
    """The exception and all that hang on it, each once, nearest first."""
    waiting: list[tuple[BaseException, str | None]] = [(fault, None)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_FAULTS:
        each, relation = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each, relation
        if each.__cause__ is not None:
            waiting.append((each.__cause__, "cause"))
        elif each.__context__ is not None and not each.__suppress_context__:
            waiting.append((each.__context__, "context"))
        if isinstance(each, BaseExceptionGroup):
            waiting += [(member, "member") for member in each.exceptions]


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int, str]]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = code.co_qualname
        yield code.co_filename, traceback.tb_lineno or 0, name if _FUNCTION.fullmatch(name) else _UNNAMED
        traceback = traceback.tb_next


@lru_cache(1024)
def _relative(file: str) -> str:
    roots = sorted((root.rstrip("/") for root in sys.path if root), key=len, reverse=True)
    root = next((root for root in roots if file.startswith(f"{root}/")), "")
    name = file.removeprefix(f"{root}/")
    return name if _FILE.fullmatch(name) else _UNNAMED


def _known_name(kind: type) -> str | None:
    found: object = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    if found is not kind:
        return None
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
