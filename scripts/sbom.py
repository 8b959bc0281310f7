#!/usr/bin/env python3
"""Finishes and judges the list of what runs with the service (CycloneDX 1.6): dist/sbom.json, or a complaint.

`make sbom` runs it after cyclonedx-py, which reads names, versions and licences from an environment with the locked
runtime packages alone. The digests of the files that may be installed are those of uv.lock.
Run as `python -m scripts.sbom DRAFT TARGET`.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from scripts.locked import ROOT, exported, runtime

Json = dict[str, Any]


def finished(draft: Json, lock: Mapping[str, Any]) -> Json:
    """The draft with each file of a package that uv.lock names, and its SHA-256, as a distribution of it."""
    packages = {(each["name"], each["version"]): each for each in lock["package"] if "version" in each}
    components = []
    for each in draft["components"]:
        package = packages.get((canonicalize_name(each["name"]), each["version"]), {})
        others = [one for one in each.get("externalReferences", ()) if one["type"] != "distribution"]
        components.append({**each, "externalReferences": [*others, *_distributions(package)]})
    return {**draft, "components": components}


def complaints(sbom: Json, expected: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each package that is missing, not locked, or lacks something. `expected`: name → version."""
    if (sbom.get("bomFormat"), sbom.get("specVersion")) != ("CycloneDX", "1.6"):
        yield "It is no CycloneDX 1.6 document."
    listed = {canonicalize_name(each["name"]): each for each in sbom["components"]}
    for name in sorted(expected.keys() | listed.keys()):
        if name not in listed:
            yield f"{name} is not listed."
        elif name not in expected:
            yield f"{name} is listed and not locked."
        else:
            lacking = list(_lacking(listed[name], name, expected[name]))
            if lacking:
                yield f"{name} has no {', no '.join(lacking)}."


def main(arguments: Sequence[str]) -> str | None:
    """Write the target where nothing is missing; else the complaint."""
    draft, target = map(Path, arguments)
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    sbom = finished(json.loads(draft.read_text("utf-8")), lock)
    found = list(complaints(sbom, runtime(exported())))
    if found:
        target.unlink(missing_ok=True)
        return "\n".join(found)
    target.parent.mkdir(exist_ok=True)
    target.write_text(f"{json.dumps(sbom, ensure_ascii=False, indent=2, sort_keys=True)}\n", "utf-8")
    sys.stdout.write(f"{target}: {len(sbom['components'])} packages, each with version, purl, licence and digests\n")
    return None


def _lacking(component: Json, name: str, version: str) -> Iterator[str]:
    if component.get("version") != version:
        yield f"version {version}"
    kind, _, told = component.get("purl", "").rpartition("@")[0].rpartition("/")
    if (kind, canonicalize_name(told)) != ("pkg:pypi", name) or not component["purl"].endswith(f"@{version}"):
        yield "purl"
    if not any(_names_a_licence(each) for each in component.get("licenses", ())):
        yield "licence"
    files = [each for each in component.get("externalReferences", ()) if each["type"] == "distribution"]
    if not files or not all(each.get("hashes") for each in files):
        yield "digest"


def _names_a_licence(licence: Json) -> bool:
    told = licence.get("license", {})
    return bool(licence.get("expression") or told.get("id") or told.get("name"))


def _distributions(package: Mapping[str, Any]) -> Iterator[Json]:
    for file in (*([package["sdist"]] if "sdist" in package else ()), *package.get("wheels", ())):
        algorithm, _, digest = file["hash"].partition(":")
        hashes = [{"alg": "SHA-256", "content": digest}] if algorithm == "sha256" else []
        yield {"type": "distribution", "url": file["url"], "hashes": hashes}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
