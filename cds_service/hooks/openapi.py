"""The OpenAPI 3.1 document of the public routes, composed of the carried JSON schemas."""

from __future__ import annotations

import json
from http import HTTPStatus
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.services import BY_HOOK, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cds_service.hooks.services import Service

    Json: TypeAlias = dict[str, Any]

_SCHEMAS = files("cds_service") / "schemas"
_COMPONENT = "#/components/schemas/"
_OWN_NAMES = {"cds-hooks": "", "http": "", "evaluation": "Evaluation."}
"""File of definitions → what goes before their names, which are not the same thing in two files."""
_JSON, _FHIR, _HTML = "application/json", "application/fhir+json", "text/html"
_ABOUT = (
    "Decision support for chronic non-bacterial osteomyelitis in children, as CDS Hooks 2.0. Where GET is answered, "
    "so is HEAD. A path of /cds-services may end in a slash. Every failure is a FHIR OperationOutcome that names "
    "fields and codes, never values."
)
_STATUSES = {
    400: "The body is cut off, nested too deeply or no JSON object, or a field of the request is missing or wrong.",
    401: "The token is missing or not accepted; no reason is given.",
    403: "The caller may not use this address.",
    404: "There is no such service.",
    405: "The address does not answer that method; the header Allow names those that it answers.",
    408: "The body came too slowly.",
    412: "The Patient is another one, or what any answer needs could neither be received nor fetched.",
    413: "The body is too long, or holds more than a chart.",
    415: "The body is not JSON, or it is compressed.",
    422: "A Bundle of two Patients, neither a Bundle nor a hook request, or a query parameter of no valid value.",
    429: "Too many requests of this caller at once.",
    500: "A fault of the service.",
    503: "The service cannot answer now.",
}
_ANYWHERE = (400, 405, 500)
"""400 also where the header Host names another service."""
_OF_A_CALLER = (401, 403, 429, 503)
_HEADERS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}
_OF_A_BODY = (400, 408, 413, 415)
_BEARER = "A signed JWT of the EHR, as CDS Hooks describes it; the profile `development` answers without one too."


def openapi(base_url: str, canonical_base: str, samples: Path) -> bytes:
    """The document as JSON, the same bytes each time.

    Args:
        base_url: where this installation is served.
        canonical_base: of the queries that it asks the EHR to prefetch.
        samples: holds a folder per patient with `request.json` and `response.json`, for examples; it may be missing.
    """
    paths = {
        "/cds-services": {"get": _discovery()},
        **{f"/cds-services/{service.id}": {"post": _service(service, samples)} for service in SERVICES},
        "/cds-services/{id}/feedback": {"post": _feedback()},
        "/evaluate": {"post": _evaluate(samples)},
        "/fhir/Questionnaire/cno-assessment": {
            "get": _page("questionnaire", "The form that a clinician fills in", "Questionnaire", _FHIR)
        },
        "/livez": {"get": _page("livez", "Whether the process is alive", "Status")},
        "/readyz": {"get": _page("readyz", "Whether requests can be answered", "Status", failures=(503,))},
        "/version": {"get": _page("version", "Version of the service, and of the rules that it holds", "Version")},
        "/": {"get": _page("landing", "Sample patients, each with a line for a terminal", None, _HTML)},
    }
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "cno-cds",
            "version": version("cno-cds"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": _used(_schemas(canonical_base), paths),
            "responses": {_name(status): _failure(status) for status in _STATUSES},
            "securitySchemes": {
                "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _BEARER}
            },
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _discovery() -> Json:
    responses = {"200": _content("The services.", "DiscoveryResponse"), **_failures(401)}
    return _operation("discovery", "The services, and what each asks to be prefetched") | _secured(responses)


def _service(service: Service, samples: Path) -> Json:
    requests, answers = _examples(samples, service.hook)
    body = _content(None, f"Request.{service.hook}") | {"required": True}
    answer = _content("Cards, or none.", "Response")
    if requests:
        body["content"][_JSON]["examples"] = requests
        answer["content"][_JSON]["examples"] = answers
    responses = {"200": answer, **_failures(*_OF_A_BODY, *_OF_A_CALLER, 412)}
    operation = _operation(service.id, service.title, service.description)
    return operation | {"requestBody": body} | _secured(responses)


def _feedback() -> Json:
    services = {"type": "string", "enum": [service.id for service in SERVICES]}
    responses = {
        "200": {
            "description": "All that can be read is stored: now, or before; what cannot be read is put aside.",
            "content": {_JSON: {"schema": _counts("stored", "repeated", "quarantined")}},
        },
        **_failures(*_OF_A_BODY, 401, 404, 429, 503),
    }
    return {
        **_operation("feedback", "What clinicians did with cards"),
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": services}],
        "requestBody": _content(None, "FeedbackRequest") | {"required": True},
        **_secured(responses),
    }


def _counts(*names: str) -> Json:
    members = {name: {"type": "integer", "minimum": 0} for name in names}
    return {"type": "object", "required": list(names), "properties": members, "additionalProperties": False}


def _evaluate(samples: Path) -> Json:
    takes = {"anyOf": [{"$ref": f"{_COMPONENT}{name}"} for name in ("Bundle", *map("Request.{}".format, BY_HOOK))]}
    example, _ = _examples(samples, "patient-view")
    content = {"schema": takes, **({"examples": example} if example else {})}
    answer = _content("The Evaluation.", "Evaluation")
    responses = {"200": answer, **_failures(*_OF_A_BODY, 401, 412, 422, 429, 503)}
    return {
        **_operation("evaluate", "For testers: the Evaluation of a Bundle or of a hook request; nothing is fetched"),
        "parameters": [
            _query("hook", {"enum": list(BY_HOOK), "default": "patient-view"}, "The hook that a Bundle is judged for."),
            _query("today", {"type": "string", "format": "date"}, "The day that stands in for the present one."),
            _query("lang", {"enum": list(LANGUAGES)}, "The language of cards and notes."),
        ],
        "requestBody": {"required": True, "content": {_JSON: content, _FHIR: content}},
        **_secured(responses),
    }


def _page(name: str, title: str, schema: str | None, media: str = _JSON, failures: Iterable[int] = ()) -> Json:
    content = {media: {"schema": {"$ref": f"{_COMPONENT}{schema}"} if schema else {"type": "string"}}}
    responses = {"200": {"description": title + ".", "content": content}, **_failures(*failures)}
    return {**_operation(name, title), "responses": responses}


def _operation(name: str, summary: str, description: str | None = None) -> Json:
    return {"operationId": name, "summary": summary, **({"description": description} if description else {})}


def _secured(responses: Json) -> Json:
    return {"security": [{"jwt": []}, {}], "responses": responses}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _content(description: str | None, schema: str) -> Json:
    content = {_JSON: {"schema": {"$ref": f"{_COMPONENT}{schema}"}}}
    return {"description": description, "content": content} if description else {"content": content}


def _failures(*statuses: int) -> Json:
    return {
        str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted({*statuses, *_ANYWHERE})
    }


def _failure(status: int) -> Json:
    headers = {_HEADERS[status]: {"schema": {"type": "string"}}} if status in _HEADERS else {}
    return _content(_STATUSES[status], "OperationOutcome") | ({"headers": headers} if headers else {})


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def _examples(samples: Path, hook: str) -> tuple[Json, Json]:
    """The shortest sample of a hook and the answer to it, each under the name of its patient; or nothing."""
    requests = sorted(samples.glob("*/request.json"), key=lambda path: (path.stat().st_size, path))
    for path in requests:
        request = json.loads(path.read_bytes())
        if request["hook"] == hook:
            answer = json.loads(path.with_name("response.json").read_bytes())
            return {path.parent.name: {"value": request}}, {path.parent.name: {"value": answer}}
    return {}, {}


def _schemas(canonical_base: str) -> Json:
    """Every carried definition, and the request of each service."""
    found: Json = {}
    for file, before in _OWN_NAMES.items():
        document = json.loads((_SCHEMAS / f"{file}.schema.json").read_text("utf-8"))
        found |= {f"{before}{name}": _turned(schema, before) for name, schema in document.pop("$defs").items()}
        if "type" in document:
            found[document["title"]] = _turned({name: document[name] for name in document if name[0] != "$"}, before)
    return found | {f"Request.{each.hook}": _request(found["Request"], each, canonical_base) for each in SERVICES}


def _request(of_any_hook: Json, service: Service, canonical_base: str) -> Json:
    """The request of one service; that of any hook tells them apart by conditions, which few tools understand."""
    members = of_any_hook["properties"]
    types = service.prefetched_types
    own = {
        "hook": {"const": service.hook},
        "context": {"$ref": f"{_COMPONENT}Ctx.{service.hook}"},
        "prefetch": members["prefetch"]
        | {
            "properties": {
                key: _prefetched(types[key], query) for key, query in service.prefetch(canonical_base).items()
            }
        },
    }
    kept = {name: value for name, value in of_any_hook.items() if name != "allOf"}
    return kept | {"properties": members | own}


def _prefetched(resource_type: str, query: str) -> Json:
    """A read gives the resource itself, a search a Bundle; either may fail, or find nothing."""
    kinds = ["Bundle" if "?" in query else resource_type, "OperationOutcome"]
    resource = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"enum": kinds}}}
    return {"description": query, "anyOf": [{"type": "null"}, resource]}


def _turned(part: Any, before: str) -> Any:  # noqa: ANN401  any JSON
    """The part with its references turned to where the definitions stand here."""
    if isinstance(part, list):
        return [_turned(item, before) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        name: value.replace("#/$defs/", f"{_COMPONENT}{before}") if name == "$ref" else _turned(value, before)
        for name, value in part.items()
    }


def _used(schemas: Json, paths: Json) -> Json:
    """Those that the paths refer to, straight or through others."""
    found: Json = {}
    names = {"OperationOutcome", *_referred(paths)}
    while names:
        found |= {name: schemas[name] for name in names}
        names = {name for name in _referred([schemas[name] for name in names]) if name not in found}
    return {name: found[name] for name in sorted(found)}


def _referred(part: Any) -> Iterator[str]:  # noqa: ANN401  any JSON
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for value in inner:
        yield from _referred(value)
    if isinstance(part, dict) and str(part.get("$ref", "")).startswith(_COMPONENT):
        yield part["$ref"].removeprefix(_COMPONENT)
