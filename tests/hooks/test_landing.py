import json
import re
import shlex
from html import unescape

from cds_service.hooks.landing import landing_page

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
