"""The audit and the list of packages fail where something could not be looked up, not only where one was found."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from scripts import audit, sbom
from scripts.locked import exported, runtime

ROOT = Path(__file__).parent.parent
REQUIREMENTS = """\
# made by uv
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via cno-cds
Beta_Two[extra]==2.0 ; python_full_version >= '3' \\
    --hash=sha256:bb
elsewhere==3.0 ; sys_platform == 'no-such-system' \\
    --hash=sha256:cc
"""
LOCKED = {"alpha": "1.0", "beta-two": "2.0"}
WEAKNESS = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": "x"}
SAFE = [{"name": "alpha", "version": "1.0", "vulns": []}, {"name": "beta-two", "version": "2.0", "vulns": []}]
WEAK = [{**SAFE[0], "vulns": [WEAKNESS]}, SAFE[1]]
SKIPPED = [SAFE[0], {"name": "beta-two", "skip_reason": "Dependency not found on PyPI"}]
TRACEBACK = "Traceback (most recent call last):\n  ...\nConnectionError: api.example could not be resolved\n"
FAKE_UV = """#!/bin/sh
case "$1" in
export) cat "{folder}/requirements" ;;
run) echo "$@" > "{folder}/asked"; cat "{folder}/report"; cat "{folder}/complaint" >&2; exit $(cat "{folder}/code") ;;
esac
"""


def reported(*dependencies):
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.fixture
def fake_uv(tmp_path, monkeypatch):
    """A `uv` that exports REQUIREMENTS and, asked for pip-audit, prints a report and ends with a code."""

    def make(report="", complaint="", code=0, requirements=REQUIREMENTS):
        for name, text in {
            "report": report, "complaint": complaint, "code": str(code), "requirements": requirements,
        }.items():  # fmt: skip
            (tmp_path / name).write_text(text, "utf-8")
        uv = tmp_path / "uv"
        uv.write_text(FAKE_UV.format(folder=tmp_path), "utf-8")
        uv.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    return make


def run_audit(*options):
    return subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-m", "scripts.audit", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_runtime_packages_are_those_for_this_machine_by_their_plain_names():
    assert runtime(REQUIREMENTS) == LOCKED


def test_what_uv_lock_installs_holds_the_service_and_no_tool_of_development():
    locked = runtime(exported())
    assert {"fastapi", "joserfc", "uvicorn", "starlette", "psycopg-binary"} <= locked.keys()
    assert not {"pytest", "ruff", "mypy", "cno-cds"} & locked.keys()
    assert exported().count("==") <= exported().count("--hash=sha256:")


@pytest.mark.parametrize(
    ("report", "code", "said"),
    [
        (reported(*SAFE), 0, "No vulnerability is known of the 2 packages"),
        (reported(*WEAK), 1, "alpha 1.0 (PYSEC-2026-1)"),
        (reported(*SKIPPED), 2, "1 of 2 packages could not be looked up: beta-two"),
        (reported({**WEAK[0]}, SKIPPED[1]), 2, "beta-two"),
        (reported(SAFE[0]), 2, "beta-two"),
        (reported(SAFE[0], {**SAFE[1], "version": "2.1"}), 2, "beta-two"),
        (reported(SAFE[0], {"name": "beta-two", "version": "2.0"}), 2, "beta-two"),
        (reported(), 2, "2 of 2 packages could not be looked up"),
        ("", 2, "Nothing was audited"),
        ("[]", 2, "Nothing was audited"),
        ("No known vulnerabilities found", 2, "Nothing was audited"),
    ],
)
def test_only_an_answer_on_every_package_is_a_good_answer(report, code, said):
    judged = audit.judged(report, TRACEBACK, LOCKED)
    assert judged[0] == code
    assert said in judged[1]
    assert "\n" not in judged[1]


def test_many_packages_that_were_lost_are_told_by_number():
    _, said = audit.judged(reported(), "", {f"p{number}": "1" for number in range(9)})
    assert said == "9 of 9 packages could not be looked up: p0, p1, p2, p3, p4 and 4 more."


@pytest.mark.parametrize(
    ("printed", "code", "said"),
    [
        ((reported(*SAFE), "", 0), 0, "No vulnerability is known"),
        ((reported(*WEAK), "Found 1 known vulnerability in 1 package", 1), 1, "PYSEC-2026-1"),
        ((reported(*SKIPPED), "", 0), 2, "beta-two"),
        (("", TRACEBACK, 1), 2, "api.example could not be resolved"),
        (("", "", 127), 2, "Nothing was audited"),
        ((reported(*SAFE), "ERROR: something else", 1), 2, "something else"),
    ],
)
def test_the_command_says_one_sentence_and_its_exit_code_the_same(printed, code, said, fake_uv):
    fake_uv(*printed)
    run = run_audit()
    assert run.returncode == code
    (line,) = (run.stderr if code else run.stdout).splitlines()
    assert said in line


def test_pip_audit_is_asked_strictly_and_gets_the_options(fake_uv):
    folder = fake_uv(reported(*SAFE))
    assert run_audit("-s", "osv").returncode == 0
    asked = (folder / "asked").read_text("utf-8").split()
    assert {"--strict", "--require-hashes", "--disable-pip"} <= set(asked)
    assert asked[-2:] == ["-s", "osv"]


def test_a_lock_that_cannot_be_exported_is_not_a_clean_one(fake_uv):
    folder = fake_uv(reported(*SAFE))
    (folder / "uv").write_text('#!/bin/sh\n[ "$1" = --version ] || exit 3\n', "utf-8")
    run = run_audit()
    assert (run.returncode, run.stderr) == (2, "Nothing was audited: uv.lock could not be read.\n")


def component(name, version, **members):
    return {
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
        "licenses": [{"license": {"id": "MIT"}}],
        **members,
    }


DRAFT = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [component("alpha", "1.0"), component("Beta_Two", "2.0", licenses=[{"expression": "MIT OR ISC"}])],
}
LOCK = {
    "package": [
        {"name": "alpha", "version": "1.0", "sdist": {"url": "https://pypi.example/a.tar.gz", "hash": "sha256:aa"}},
        {"name": "beta-two", "version": "2.0", "wheels": [{"url": "https://pypi.example/b.whl", "hash": "sha256:bb"}]},
        {"name": "beta-two", "version": "1.0", "wheels": [{"url": "https://pypi.example/old", "hash": "sha256:00"}]},
        {"name": "cno-cds", "source": {"editable": "."}},
    ]
}


def complained(change=lambda _: None, lock=LOCK):
    draft = deepcopy(DRAFT)
    change(draft)
    return list(sbom.complaints(sbom.finished(draft, lock), LOCKED))


def test_a_whole_list_carries_the_digests_of_the_lock():
    done = sbom.finished(DRAFT, LOCK)
    assert complained() == []
    assert [each["externalReferences"] for each in done["components"]] == [
        [
            {
                "type": "distribution",
                "url": "https://pypi.example/a.tar.gz",
                "hashes": [{"alg": "SHA-256", "content": "aa"}],
            }
        ],
        [
            {
                "type": "distribution",
                "url": "https://pypi.example/b.whl",
                "hashes": [{"alg": "SHA-256", "content": "bb"}],
            }
        ],
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda draft: draft["components"].pop(), "beta-two is not listed."),
        (lambda draft: draft["components"].append(component("more", "1")), "more is listed and not locked."),
        (lambda draft: draft["components"][0].pop("licenses"), "alpha has no licence."),
        (lambda draft: draft["components"][0].update(licenses=[{"license": {}}]), "alpha has no licence."),
        (lambda draft: draft["components"][0].pop("purl"), "alpha has no purl."),
        (lambda draft: draft["components"][0].update(purl="pkg:pypi/alpha@9"), "alpha has no purl."),
        (
            lambda draft: draft["components"][1].update(version="1.0", purl="pkg:pypi/beta-two@1.0"),
            "beta-two has no version 2.0, no purl.",
        ),
        (lambda draft: draft.update(specVersion="1.5"), "It is no CycloneDX 1.6 document."),
    ],
)
def test_what_a_list_lacks_is_told(change, said):
    assert complained(change) == [said]


@pytest.mark.parametrize("files", [{}, {"sdist": {"url": "https://pypi.example/a", "hash": "md5:aa"}}])
def test_a_package_without_a_digest_in_the_lock_is_told(files):
    lock = {"package": [{"name": "alpha", "version": "1.0", **files}, LOCK["package"][1]]}
    assert complained(lock=lock) == ["alpha has no digest."]


def test_a_list_that_lacks_something_is_not_written_and_an_older_one_is_removed(tmp_path, fake_uv):
    fake_uv()
    draft, target = tmp_path / "draft.json", tmp_path / "dist" / "sbom.json"
    target.parent.mkdir()
    target.write_text("{}", "utf-8")
    draft.write_text(json.dumps(DRAFT), "utf-8")
    assert "alpha has no digest." in sbom.main([str(draft), str(target)])
    assert not target.exists()


def test_the_list_of_the_real_lock_is_written_alike_each_time(tmp_path):
    draft, target = tmp_path / "draft.json", tmp_path / "dist" / "sbom.json"
    locked = runtime(exported())
    draft.write_text(json.dumps({**DRAFT, "components": [component(*each) for each in locked.items()]}), "utf-8")
    written = []
    for _ in range(2):
        assert sbom.main([str(draft), str(target)]) is None
        written.append(target.read_bytes())
    assert written[0] == written[1]
    assert {each["name"] for each in json.loads(written[0])["components"]} == locked.keys()
