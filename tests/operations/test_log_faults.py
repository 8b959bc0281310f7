"""Of an exception its types and places are told, never what it says."""

import errno
import json
import sys

import pytest

from cds_service.operations.errors import RequestError
from cds_service.operations.log_faults import told, type_name

PRIVATE = "Olav-Nordmann-01010012345"


def caught(raiser):
    try:
        raiser()
    except BaseException as fault:  # noqa: BLE001  groups and exits too
        return told(fault)
    pytest.fail("nothing was raised")


def raise_with_cause():
    try:
        {}[PRIVATE]
    except KeyError as fault:
        raise ValueError(PRIVATE) from fault


def raise_in_context():
    try:
        {}[PRIVATE]
    except KeyError:
        raise ValueError(PRIVATE)  # noqa: B904  that is what is tested


def raise_without_context():
    try:
        {}[PRIVATE]
    except KeyError:
        raise ValueError(PRIVATE) from None


def raise_group():
    inner = ExceptionGroup(PRIVATE, [TypeError(PRIVATE)])
    raise BaseExceptionGroup(PRIVATE, [KeyError(PRIVATE), SystemExit(PRIVATE), inner])


def raise_noted():
    fault = RequestError(400, PRIVATE, PRIVATE)
    fault.add_note(PRIVATE)
    raise fault


def raise_named():
    raise type(PRIVATE.replace("-", ""), (LookupError,), {"__module__": PRIVATE})(PRIVATE)


def raise_local():
    class OlavNordmannError(RequestError):
        def __repr__(self):
            return PRIVATE

        __str__ = __repr__

    raise OlavNordmannError(400, PRIVATE, PRIVATE)


def raise_from_text():
    name = f"/home/{PRIVATE}/x y"
    exec(compile("def Olav():\n raise KeyError\nOlav()", name, "exec"), {})  # noqa: S102  a file of that name


def raise_deep():
    raise_deep()


@pytest.mark.parametrize(
    ("raiser", "types"),
    [
        (raise_with_cause, [("ValueError", None), ("KeyError", "cause")]),
        (raise_in_context, [("ValueError", None), ("KeyError", "context")]),
        (raise_without_context, [("ValueError", None)]),
        (
            raise_group,
            [
                ("BaseExceptionGroup", None),
                ("KeyError", "member"),
                ("SystemExit", "member"),
                ("ExceptionGroup", "member"),
                ("TypeError", "member"),
            ],
        ),
        (raise_noted, [("cds_service.operations.errors.RequestError", None)]),
        (raise_named, [("LookupError", None)]),
        (raise_local, [("cds_service.operations.errors.RequestError", None)]),
        (raise_from_text, [("KeyError", None)]),
        (raise_deep, [("RecursionError", None)]),
    ],
)
def test_only_types_that_a_module_knows_and_places_are_told(raiser, types):
    found = caught(raiser)
    assert [(each["type"], each.get("relation")) for each in found] == types
    assert "Nordmann" not in json.dumps(found)
    assert len(json.dumps(found)) < 4096


def test_frames_are_files_as_they_are_imported_the_innermost_last():
    (found, _) = caught(raise_with_cause)
    line = raise_with_cause.__code__.co_firstlineno + 4
    assert found["frames"][-1] == f"tests/operations/test_log_faults.py:{line}:raise_with_cause"


def test_an_operating_system_error_names_its_number_and_no_file():
    (found,) = caught(lambda: open(f"/{PRIVATE}"))  # noqa: PTH123, SIM115  there is none
    assert (found["type"], found["errno"]) == ("FileNotFoundError", errno.errorcode[errno.ENOENT])
    assert PRIVATE not in json.dumps(found)


def test_exceptions_that_come_from_each_other_are_told_once():
    one, other = KeyError(PRIVATE), ValueError(PRIVATE)
    one.__cause__, other.__cause__ = other, one
    assert [each["type"] for each in told(one)] == ["KeyError", "ValueError"]


def test_a_class_is_named_only_as_its_module_knows_it():
    assert type_name(json.JSONDecodeError) == "json.decoder.JSONDecodeError"
    assert type_name(type("Nordmann", (), {})) == "object"
    assert type_name(type("path", (KeyError,), {"__module__": sys.__name__})) == "KeyError"
