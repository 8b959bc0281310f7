import json
import re
import shlex
from base64 import b64encode
from hashlib import sha256
from html import unescape

from cds_service.hooks.landing import HEADERS, landing_page

BASE = "http://127.0.0.1:8000"


def put(folder, name, hook):
    (folder / name).mkdir(parents=True)
    (folder / name / "request.json").write_text(json.dumps({"hook": hook}))


def lines(page):
    return [shlex.split(unescape(line)) for line in re.findall(r"<code>(.*?)</code>", page)]


def test_each_sample_has_a_line_that_posts_it_to_the_service_of_its_hook(tmp_path):
    samples = tmp_path / "fhir_samples"
    put(samples, "kari-klar", "order-sign")
    put(samples, "emil & co", "patient-view")
    emil, kari = lines(landing_page(samples, BASE))
    assert (emil[0], emil[-1]) == ("curl", f"{BASE}/cds-services/cno-patient-view")
    assert "@fhir_samples/emil & co/request.json" in emil
    assert (kari[0], kari[-1]) == ("curl", f"{BASE}/cds-services/cno-order-sign")
    assert "@fhir_samples/kari-klar/request.json" in kari


def test_without_samples_the_page_says_so(tmp_path):
    page = landing_page(tmp_path / "nowhere", BASE)
    assert lines(page) == []
    assert "No sample patients" in page


def test_browsers_may_use_the_styles_of_the_page_and_nothing_else(tmp_path):
    put(tmp_path / "fhir_samples", "emil", "patient-view")
    page = landing_page(tmp_path / "fhir_samples", BASE)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = dict(part.split(" ", 1) for part in HEADERS["content-security-policy"].split("; "))
    assert policy.pop("style-src") == f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'none'"}
    assert not re.search(r"<script|\sstyle=|\son[a-z]+=|\ssrc=|<link|@import|url\(", page)
