"""The sample patients as hook requests, and bundles of their resources."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "fhir_samples"
SAMPLES = sorted(folder.name for folder in FOLDER.glob("*") if folder.is_dir())


def request(name):
    return json.loads((FOLDER / name / "request.json").read_text("utf-8"))


def bundle(*resources, **members):
    entry = [{"resource": each, "search": {"mode": "match"}} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entry), **members, "entry": entry}


def links(**urls):
    return [{"relation": relation, "url": url} for relation, url in urls.items()]


def entries(value):
    return [each["resource"] for each in value.get("entry", [])]
