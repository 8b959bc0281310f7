"""Forty children as hook requests whose resources can stand together on one server: ids carry the child's."""

import json
from decimal import Decimal
from pathlib import Path

from benchmarks.synthetic import VARIANTS, children
from cds_service.hooks.services import BY_HOOK

SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"
HOW_MANY = 40
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_VITAL_SIGNS = {"8310-5", "29463-7", "8302-2"}
_KEYS = {"laboratory": "labs", "vital-signs": "vitals", "imaging": "imagingFindings"}


def forty():
    """The sample patients, then synthetic ones with CNO of every kind: name → request with complete prefetch."""
    found = {}
    for folder in sorted(SAMPLES.glob("*/request.json")):
        found[folder.parent.name] = _owned(folder.read_text("utf-8"))
    each = -(-(HOW_MANY - len(found)) // len(VARIANTS))
    for child in children(0, each):
        if len(found) < HOW_MANY:
            found[child.id] = _owned(_synthetic(child))
    return found


def resources(request):
    """Every resource of the prefetch."""
    for value in request["prefetch"].values():
        yield from ([value] if value["resourceType"] != "Bundle" else [e["resource"] for e in value.get("entry", [])])


def _synthetic(child):
    types = BY_HOOK["patient-view"].prefetched_types
    request = json.loads(child.request(types), parse_float=Decimal)
    prefetch = request["prefetch"]
    observed = [entry for key in _KEYS.values() for entry in prefetch[key]["entry"]]
    for key in _KEYS.values():
        prefetch[key]["entry"] = []
    for entry in observed:
        resource = entry["resource"]
        code = resource["code"]["coding"][0]["code"]
        kind = "vital-signs" if code in _VITAL_SIGNS else "laboratory" if "valueQuantity" in resource else "imaging"
        resource["category"] = [{"coding": [{"system": _CATEGORY, "code": kind}]}]
        prefetch[_KEYS[kind]]["entry"].append(entry)
    return json.dumps(request, default=float)


def _owned(text):
    """The request with ids, and references to them, that no other child uses, nor any other test."""
    child = json.loads(text)["context"]["patientId"]
    request = json.loads(text.replace(child, f"forty-{child}"), parse_float=Decimal)
    names = {}
    for resource in list(resources(request)):
        if resource["resourceType"] != "Patient":
            old = f"{resource['resourceType']}/{resource['id']}"
            resource["id"] = f"forty-{child}-{resource['id']}"[-64:].lstrip("-")
            names[old] = f"{resource['resourceType']}/{resource['id']}"
    return _renamed(request, names)


def _renamed(part, names):
    if isinstance(part, dict):
        return {
            name: names.get(value, value) if name == "reference" and isinstance(value, str) else _renamed(value, names)
            for name, value in part.items()
        }
    return [_renamed(each, names) for each in part] if isinstance(part, list) else part
