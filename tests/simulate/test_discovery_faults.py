"""Faults of the list of services, of prefetch templates and of CORS, as the sandbox meets them."""

import pytest

from cds_service.simulate.discovery_checks import template_remarks
from tests.simulate.served import outcome
from tests.simulate.twists import judged, no_cors, on_discovery, on_path, paths, rules

PATIENT = "{{context.patientId}}"
TWICE = {"hook": "order-sign", "id": "acme-checker", "title": "Again", "description": "Again."}


def first(**members):
    return on_discovery(lambda services: services[0].update(members))


def no_description(services):
    del services[0]["description"]


def no_title(services):
    del services[0]["title"]


def one_more(**members):
    return on_discovery(lambda services: services.append({**services[2], **members}))


def preflights(**changes):
    return lambda asked, reply: reply.but(**changes) if asked.method == "OPTIONS" else reply


def allowing(name, value):
    return lambda _, reply: reply.but(headers={**reply.headers, f"Access-Control-Allow-{name}": value})


def no_cors_on_errors(asked, reply):
    return no_cors(asked, reply) if reply.status == 400 else reply


FAULTS = [
    ("D1", "", on_path("/cds-services", "GET", status=404, body=outcome(404, "no").body)),
    ("J1", "", on_path("/cds-services", "GET", status=401, body=outcome(401, "no").body)),
    ("S6", "", on_path("/cds-services", "GET", status=500)),
    ("D11", "", on_path("/cds-services", "GET", status=301, headers={"Location": "/cds-services/"})),
    ("T3", "", on_path("/cds-services", "GET", body=b"<html>", headers={"Content-Type": "text/html"})),
    ("D2", "", on_path("/cds-services", "GET", body=[])),
    ("D2", "services", on_path("/cds-services", "GET", body={"extension": {"a.b": 1}})),
    ("D3", "services[0].description", on_discovery(no_description)),
    ("D3", "services[3].hook", one_more(id="more", hook=5)),
    ("D3", "services[3].id", one_more(id="a b")),
    ("D3", "services[3].id", one_more(id="../evaluate")),
    ("D5", "services[0].prefetch", first(prefetch=["Patient"])),
    ("D5", "services[0].usageRequirements", first(usageRequirements=5)),
    ("D7", "services[3].id", one_more()),
    ("D9", "services[0].version", first(version=2)),
    ("X1", "services[0].extension", first(extension=["a"])),
    ("T4", "services[0].usageRequirements", first(usageRequirements="")),
    (
        "P1",
        "services[0].prefetch.x",
        first(prefetch={"patient": f"Patient/{PATIENT}", "x": f"/Condition?patient={PATIENT}"}),
    ),
    ("P2", "services[0].prefetch.x", first(prefetch={"patient": f"Patient/{PATIENT}", "x": "Practitioner/{{user}}"})),
    (
        "P4",
        "services[0].prefetch.x",
        first(
            prefetch={"patient": f"Patient/{PATIENT}", "x": f"Observation?patient={PATIENT}&date=ge2026&date=le2027"}
        ),
    ),
    ("O1", "", no_cors),
    ("O1", "", no_cors_on_errors),
    ("O1", "", allowing("Origin", "https://ehr.example")),
    ("O1", "", allowing("Headers", "content-type")),
    ("O1", "", allowing("Headers", "*")),
    ("O1", "", preflights(status=405)),
    ("O1", "", preflights(status=401)),
    ("O1", "", on_path("/feedback", "OPTIONS", status=404)),
]
REMARKS = [
    ("D2", on_path("/cds-services", "GET", body={"services": []})),
    ("D4", on_discovery(no_title)),
    ("D10", first(name="Acme")),
    ("D11", on_path("/cds-services/", "GET", status=307, body=b"", headers={"Location": "/cds-services"})),
    ("D11", on_path("/cds-services/", "GET", status=404, body=outcome(404, "no").body)),
    ("O1", allowing("Methods", "GET, OPTIONS")),
    ("X1", first(extension={"note": 1})),
]


@pytest.mark.parametrize(("rule", "path", "twist"), FAULTS)
def test_a_fault_is_found_and_named_by_its_rule(rule, path, twist):
    report = judged("sandbox", twist)
    assert rules(report) == {rule}
    assert path in paths(report)


@pytest.mark.parametrize(("rule", "twist"), REMARKS)
def test_what_is_allowed_but_unwise_is_a_remark(rule, twist):
    report = judged("sandbox", twist)
    assert (rules(report), rules(report, "remark")) == (set(), {rule})


@pytest.mark.parametrize(
    "twist",
    [
        allowing("Origin", "https://sandbox.cds-hooks.org"),
        preflights(status=200),
        one_more(hook="encounter-start", id="another-hook"),
        first(version="2.0.0", hookVersion="1.0", extension={"example.acme": {"a": 1}}),
    ],
)
def test_other_ways_to_be_right_are_no_faults(twist):
    report = judged("sandbox", twist)
    assert rules(report) | rules(report, "remark") == set()


def test_services_that_share_a_path_are_a_remark_to_those_who_go_by_address():
    report = judged("oracle", one_more())
    assert (rules(report), rules(report, "remark")) == (set(), {"D7"})


def test_oracle_calls_registered_addresses_where_there_is_no_list():
    report = judged("oracle", on_path("/cds-services", "GET", status=404))
    assert [step.verdict for step in report.steps if step.step == "discovery"] == ["not offered"]
    assert {step.path for step in report.steps if step.step == "order-sign"} == {"/cds-services/cno-order-sign"}
    assert rules(report) >= {"D6"}


@pytest.mark.parametrize(
    ("template", "hook", "expected"),
    [
        (f"Patient/{PATIENT}", "patient-view", set()),
        ("Patient/{{ context.patientId }}", "order-sign", set()),
        ("{{context.userId}}", "order-select", set()),
        ("Practitioner/{{userPractitionerId}}", "patient-view", set()),
        ("Encounter/{{context.encounterId}}", "encounter-start", set()),
        (f"Observation?patient={PATIENT}&code=http://loinc.org|718-7,http://loinc.org|777-3", "patient-view", set()),
        (f"Observation?patient={PATIENT}&code:in=http://acme.example/vs&date=ge2026-01-01", "patient-view", set()),
        (f"Condition?patient={PATIENT}&clinical-status=active&_sort=-recorded-date&_count=5", "order-sign", set()),
        ("Task?_id={{context.whatever}}", "hook-of-our-own", set()),
        ("https://ehr.example/Patient/1", "patient-view", {"template-form"}),
        (f"/Patient/{PATIENT}", "patient-view", {"template-form"}),
        (f"Patient/{PATIENT}/$everything", "patient-view", {"template-form"}),
        (f"Condition?patient={PATIENT} &code=1", "patient-view", {"template-form"}),
        ("Patient", "patient-view", {"template-form"}),
        ("Patient/{{context.draftOrders}}", "order-sign", {"template-token"}),
        ("ServiceRequest?_id={{context.draftOrders.ServiceRequest.id}}", "order-sign", {"template-token"}),
        ("Practitioner/{{context.performer}}", "patient-view", {"template-token"}),
        ("Practitioner/{{user}}", "patient-view", {"template-token"}),
        ("Task?_id={{context.one.two}}", "hook-of-our-own", {"template-token"}),
        (f"Observation?patient={PATIENT}&date=ge{{{{today() - 90 days}}}}", "patient-view", {"template-expression"}),
        (
            "Medication?_id={{context.draftOrders.entry.resource.ofType(MedicationRequest).medication.code}}",
            "order-sign",
            {"template-expression"},
        ),
        (f"Observation?patient={PATIENT}&code:text=crp", "patient-view", {"template-parameter"}),
        (f"Condition?patient={PATIENT}&_include=Condition:subject", "order-sign", {"template-parameter"}),
        (f"Observation?subject:Patient.birthdate=2020&patient={PATIENT}", "patient-view", {"template-parameter"}),
        (f"Observation?patient={PATIENT}&date=sa2026-01-01", "patient-view", {"template-parameter"}),
        (f"Observation?patient={PATIENT}&date=ge2026&date=le2027", "patient-view", {"repeated-parameter"}),
        (f"Observation?patient={PATIENT}&_count=1", "patient-view", {"count-without-sort"}),
    ],
)  # fmt: skip
def test_a_template_is_a_simple_query_with_tokens_of_its_hook(template, hook, expected):
    assert {seen.check for seen in template_remarks(template, hook)} == expected
