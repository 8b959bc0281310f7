import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from cds_service.hooks.services import BY_HOOK, SERVICES, discovery
from cds_service.simulate.schema_checks import validator

BASE = "https://cds.example.no/cno"
TEMPLATES = [
    pytest.param(query, id=f"{service.id}:{key}")
    for service in SERVICES
    for key, query in service.prefetch(BASE).items()
]
SIMPLE_PARAMETERS = {"patient", "category", "questionnaire", "_sort", "_count"}


def test_the_discovery_document_is_valid_and_the_same_bytes_each_time():
    document = discovery(BASE)
    validator("DiscoveryResponse").validate(json.loads(document))
    assert discovery(BASE) == document


def test_there_is_one_service_for_each_hook_and_no_id_twice():
    assert {service.hook: service.id for service in SERVICES} == {
        "patient-view": "cno-patient-view",
        "order-select": "cno-order-select",
        "order-sign": "cno-order-sign",
    }
    assert set(BY_HOOK) == {service.hook for service in SERVICES}


@pytest.mark.parametrize("query", TEMPLATES)
def test_a_template_is_a_relative_read_or_a_type_search(query):
    assert re.fullmatch(r"[A-Z]\w+/\{\{context\.patientId\}\}|[A-Z]\w+\?patient=\{\{context\.patientId\}\}&\S+", query)


@pytest.mark.parametrize("query", TEMPLATES)
def test_a_template_stays_within_the_simple_queries_of_cds_hooks(query):
    assert set(re.findall(r"\{\{([^}]*)\}\}", query)) == {"context.patientId"}
    names = [name for name, _ in parse_qsl(urlsplit(query).query)]
    assert len(names) == len(set(names))
    assert set(names) <= SIMPLE_PARAMETERS
    assert ("_count" in names) == ("_sort" in names)


def test_all_that_is_read_is_asked_for():
    asked = set(BY_HOOK["patient-view"].prefetched_types.values())
    assert asked >= {
        "Patient", "Condition", "Observation", "ImagingStudy", "DiagnosticReport", "Procedure", "MedicationRequest",
        "MedicationAdministration", "MedicationStatement", "AllergyIntolerance", "BodyStructure",
        "QuestionnaireResponse", "ServiceRequest", "Encounter",
    }  # fmt: skip
    assert set(BY_HOOK["order-sign"].prefetched_types.values()) == asked | {"Appointment"}


def test_the_form_is_asked_for_by_the_canonical_of_the_installation():
    (query,) = [query for key, query in BY_HOOK["patient-view"].prefetch(BASE).items() if key == "assessment"]
    assert dict(parse_qsl(urlsplit(query).query))["questionnaire"] == f"{BASE}/Questionnaire/cno-assessment"


def test_each_key_knows_the_type_that_it_asks_for():
    types = BY_HOOK["order-select"].prefetched_types
    assert (types["patient"], types["labs"], types["assessment"]) == ("Patient", "Observation", "QuestionnaireResponse")
