"""Judges an answer: whatever came in, this must hold. A fault is one sentence."""

import ast
import re
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

import jsonschema_rs
import orjson

from tests.fuzz.inputs import TRACES

PACKAGE = Path(__file__).parent.parent.parent / "cds_service"
MOST_SECONDS = 1.0
"""Of CPU."""
MOST_WAITED = 5.0
"""Seconds by the clock on the wall, which other processes of the machine may stretch."""
_WORD = re.compile(r"[^\W_][\w\-]*")
_HEADER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_SERVICES = "/cds-services"
_COMPONENTS = "#/components/"
_ITSELF = {("/openapi.json", "GET"): {200: {"application/json": {}}, 404: {}}}
"""The document does not describe where it is served, in development only."""


class Judge:
    """Holds answers against the OpenAPI document and the rules for every answer."""

    def __init__(self, document):
        self._document = document
        self._operations = {**_ITSELF, **dict(_operations(document))}
        self._validators = {}
        self._refusal = self._validator("#/components/schemas/OperationOutcome")
        self._own_words = own_words()
        self._told = {}
        self.refusals = set()
        """Every different refusal seen."""

    def faults(self, one, answer):
        """All that is wrong with an answer."""
        if answer.raised:
            return [f"an exception left the application: {answer.raised.strip().splitlines()[-1]}"]
        found = list(_events(answer.events))
        if found:
            return found
        found += _frame(one, answer)
        if is_slow(answer):
            found.append(f"it took {answer.seconds:.1f} s of CPU, {answer.waited:.1f} s in all")
        if any(trace in part for trace in TRACES for part in (answer.body, *(value for _, value in answer.headers))):
            found.append("it holds free text of the request")
        if not 200 <= answer.status < 300:
            return found + self._of_refusal(one, answer)
        return found + list(self._of_success(one, answer))

    def _of_refusal(self, one, answer):
        if not answer.body and one.method == "HEAD":
            return []
        told = (answer.status, dict(answer.headers).get(b"content-type"), answer.body)
        if told not in self._told:
            self.refusals.add((answer.status, answer.body))
            self._told[told] = self._refused(answer)
        faults, strange = self._told[told]
        sent = one.target.encode() + one.body
        found = [*faults, *("it quotes a number of the request" for number in strange if number.encode() in sent)]
        if answer.status == 405 and not dict(answer.headers).get(b"allow"):
            found.append("405 without the header Allow")
        if answer.status not in self._statuses(one, default={400, 404, 405}):
            found.append(f"the status {answer.status} is not documented there")
        return found

    def _refused(self, answer):
        """What is wrong with a refusal whoever gets it, and the long numbers in it."""
        found = [f"the status is {answer.status}"] if answer.status >= 500 or answer.status < 400 else []
        if dict(answer.headers).get(b"content-type") != b"application/json":
            found.append("a refusal that is not application/json")
        try:
            outcome = orjson.loads(answer.body)
        except ValueError:
            return [*found, "a refusal that is not JSON"], []
        if not self._refusal.is_valid(outcome):
            return [*found, "a refusal that is no OperationOutcome"], []
        words = _WORD.findall(" ".join(issue["diagnostics"] for issue in outcome["issue"]))
        strange = {word for word in words if word.lower() not in self._own_words}
        numbers = {word for word in strange if word.isdigit()}
        return [*found, *("a refusal with a word that is not ours" for _ in strange - numbers)], sorted(numbers)

    def _of_success(self, one, answer):
        operation = self._operations.get((_normal(one), one.method.replace("HEAD", "GET")))
        if one.method == "OPTIONS" and answer.status == 204 and not answer.body:
            return
        if one.target.partition("?")[0] == "/openapi.json" and answer.status == 200:
            return  # the document itself
        contents = (operation or {}).get(answer.status)
        if contents is None:
            yield f"{answer.status} where the document has no such answer"
            return
        media = dict(answer.headers).get(b"content-type", b"").partition(b";")[0].decode()
        if media not in contents:
            yield f"the media type {media} is not documented there"
        elif answer.body and media != "text/html":
            yield from self._matches(answer.body, contents[media])

    def _matches(self, body, schema):
        try:
            document = orjson.loads(body)
        except ValueError:
            yield "an answer that is not JSON"
            return
        error = next(self._validator(schema["$ref"]).iter_errors(document), None) if "$ref" in schema else None
        if error is not None:
            yield f"not valid: {'.'.join(map(str, error.schema_path))}"

    def _statuses(self, one, default):
        operation = self._operations.get((_normal(one), one.method.replace("HEAD", "GET")))
        return default if operation is None else operation.keys()

    def _validator(self, reference):
        found = self._validators.get(reference)
        if found is None:
            schema = {"$ref": reference, "components": {"schemas": self._document["components"]["schemas"]}}
            found = self._validators[reference] = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        return found


def is_slow(answer):
    """Whether an answer took longer than any may."""
    return answer.seconds > MOST_SECONDS or answer.waited > MOST_WAITED


def _events(events):
    """One start and a body that ends, as ASGI has it."""
    kinds = [event["type"] for event in events]
    if not kinds:
        yield "no answer"
    elif kinds != ["http.response.start"] + ["http.response.body"] * (len(kinds) - 1) or len(kinds) == 1:
        yield f"not the events of one answer: {kinds}"
    elif events[-1].get("more_body", False):
        yield "an answer that does not end"


def _frame(one, answer):
    """Headers that any server can send, and the length that they tell."""
    for name, value in answer.headers:
        if not _HEADER.fullmatch(name) or re.search(rb"[\r\n\0]", value):
            yield f"the header {name!r} cannot be sent"
    length = dict(answer.headers).get(b"content-length")
    if length is not None and one.method != "HEAD" and int(length) != len(answer.body):
        yield "a content-length that is not that of the body"


def _operations(document):
    """Path and method → status → media type → schema."""
    for template, methods in document["paths"].items():
        for path in _filled(template, methods):
            for method, operation in methods.items():
                yield (
                    (path, method.upper()),
                    {int(status): _contents(document, response) for status, response in operation["responses"].items()},
                )


def _filled(template, methods):
    (operation,) = methods.values()
    ids = next((each["schema"]["enum"] for each in operation.get("parameters", ()) if each["in"] == "path"), [""])
    return [template.replace("{id}", each) for each in ids]


def _contents(document, response):
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].removeprefix(f"{_COMPONENTS}responses/")]
    return {media: content["schema"] for media, content in response.get("content", {}).items()}


def _normal(one):
    """The path as it is documented: discovery takes any slashes after it, a service one too many before and after."""
    path = unquote(one.path)
    if not path.startswith(_SERVICES):
        return path
    rest = path.removeprefix(_SERVICES)
    return _SERVICES + (rest.removesuffix("/").replace("//", "/", 1) if rest.strip("/") else "")


def own_words():
    """Every word of the texts in our code, in small letters, without what only explains the code."""
    words = {word for status in HTTPStatus for word in _WORD.findall(status.phrase.lower())}
    for path in PACKAGE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        explained = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
                words.update(_WORD.findall(node.value.lower()))
    return words
