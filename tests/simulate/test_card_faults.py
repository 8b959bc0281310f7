"""Faults of cards, one at a time: each is found, named by its rule and place, and no other rule is."""

from uuid import uuid4

import pytest

from tests.simulate.twists import cards, judged, on_answer, paths, rules, without

SUGGESTION = ("suggestions", 0)
ACTION = (*SUGGESTION, "actions", 0)
RESOURCE = (*ACTION, "resource")
LINK = ("links", 0)
STRANGER = {"resourceType": "ServiceRequest", "id": "x", "status": "draft", "intent": "order"}
IN_PART = {
    "type": "update",
    "description": "Halve it.",
    "resource": {"resourceType": "MedicationRequest", "id": "337106213", "status": "draft", "intent": "order"},
}
UPDATE = {"type": "update", "description": "Change it.", "resource": STRANGER}
TWO = [{"label": "A", "isRecommended": True}, {"label": "B", "isRecommended": True}]


def twice(*way):
    """The first item of a list once more."""

    def change(document):
        found = document["cards"][0]
        for name in way:
            found = found[name]
        found.append(found[0])

    return on_answer(change)


def same_card_twice(document):
    document["cards"].append({**document["cards"][0], "suggestions": TWO[:1]})


def two_recommended(document):
    document["cards"][0].update(suggestions=TWO, selectionBehavior="at-most-one")


def system_actions(document):
    document["systemActions"] = [{"type": "create", "resource": STRANGER}]


FAULTS = [
    ("K1", "summary", "epic", cards("summary", value="x" * 140)),
    ("K1", "summary", "oracle", without("summary")),
    ("K1", "summary", "sandbox", cards("summary", value=5)),
    ("K2", "indicator", "epic", cards("indicator", value="hard-stop")),
    ("K2", "indicator", "sandbox", without("indicator")),
    ("K3", "source.label", "oracle", without("source", "label")),
    ("K3", "source", "epic", without("source")),
    ("K4", "uuid", "epic", cards("uuid", value="card-1")),
    ("K5", "detail", "epic", cards("detail", value=["a"])),
    ("K5", "detail", "oracle", cards("detail", value="| a | b |\n|---|---|\n| 1 | 2 |")),
    ("K5", "detail", "oracle", cards("detail", value="a | b\n:-- | --:\n1 | 2")),
    ("K5", "detail", "oracle", cards("detail", value="- low\n\n## Calcium\nlow")),
    ("K5", "detail", "oracle", cards("detail", value="Calcium\n=======\nlow")),
    ("K5", "detail", "oracle", cards("detail", value="![bone](https://acme.example/b.png)")),
    ("K5", "detail", "oracle", cards("detail", value="Take <b>care</b>")),
    ("K6", "source.url", "epic", cards("source", "url", value="/about")),
    ("K6", "source.icon", "epic", cards("source", "icon", value="icon.png")),
    ("K7", "source.topic.code", "epic", cards("source", "topic", "code", value="a-b")),
    ("K7", "source.topic.code", "epic", cards("source", "topic", "code", value="a" * 101)),
    ("K7", "source.topic.system", "oracle", without("source", "topic", "system")),
    ("K8", "suggestions", "epic", cards("suggestions", value={"label": "A"})),
    ("K9", "selectionBehavior", "oracle", without("selectionBehavior")),
    ("K9", "selectionBehavior", "epic", cards("selectionBehavior", value="at-most-one")),
    ("K9", "selectionBehavior", "oracle", cards("selectionBehavior", value="one-or-more")),
    ("K10", "suggestions", "oracle", on_answer(two_recommended)),
    ("K11", "overrideReasons[0].display", "epic", without("overrideReasons", 0, "display")),
    ("K12", "links", "epic", cards("links", value={"label": "A"})),
    ("K15", "priority", "epic", cards("priority", value=1)),
    ("X1", "extension", "epic", cards("extension", value=[1])),
    ("G1", "suggestions[0].label", "epic", without(*SUGGESTION, "label")),
    ("G2", "suggestions[1].uuid", "oracle", twice("suggestions")),
    ("G3", "suggestions[0].isRecommended", "epic", cards(*SUGGESTION, "isRecommended", value="yes")),
    ("G4", "suggestions[0].actions", "epic", cards(*SUGGESTION, "actions", value={"type": "create"})),
    (
        "G6",
        "suggestions[0].actionSelectionBehavior",
        "epic",
        cards(*SUGGESTION, "actionSelectionBehavior", value="any"),
    ),
    ("G7", "suggestions[0].actions", "epic", twice(*SUGGESTION, "actions")),
    ("H1", "suggestions[0].actions[0].type", "epic", cards(*ACTION, "type", value="append")),
    ("H2", "suggestions[0].actions[0].description", "epic", without(*ACTION, "description")),
    ("H3", "suggestions[0].actions[0].resource", "oracle", without(*RESOURCE)),
    ("H3", "suggestions[0].actions[0].resource.resourceType", "epic", without(*RESOURCE, "resourceType")),
    ("H3", "suggestions[0].actions[0].resourceId", "epic", cards(*ACTION, "resourceId", value="ServiceRequest/1")),
    ("H4", "suggestions[0].actions[0].resource.id", "epic", cards(*ACTION, "type", value="update")),
    ("H4", "suggestions[0].actions[0].resource.id", "oracle", cards(*ACTION, value=UPDATE)),
    (
        "H5",
        "suggestions[0].actions[0].resourceId",
        "epic",
        cards(*ACTION, value={"type": "delete", "description": "A"}),
    ),
    (
        "C9",
        "suggestions[0].actions[0].resource.subject",
        "sandbox",
        cards(*RESOURCE, "subject", value={"reference": "https://ehr.example/r4/Patient/another"}),
    ),
    ("L1", "links[0].label", "epic", without(*LINK, "label")),
    ("L2", "links[0].url", "epic", cards(*LINK, "url", value="/guideline")),
    ("L2", "links[0].url", "epic", cards(*LINK, "url", value="http://acme.example/a")),
    ("L2", "links[0].url", "epic", cards(*LINK, "url", value="HTTP://localhost@[2001:db8::1]:80")),
    ("L2", "links[0].url", "oracle", cards(*LINK, "url", value="javascript:alert(1)")),
    ("L3", "links[0].type", "epic", without(*LINK, "type")),
    ("L4", "links[0].appContext", "epic", cards(*LINK, "appContext", value="a")),
    ("L5", "links[1].autolaunchable", "epic", cards("links", 1, "autolaunchable", value="yes")),
    ("T4", "detail", "epic", cards("detail", value=None)),
    ("T4", "detail", "epic", cards("detail", value="")),
    ("T4", "links", "epic", cards("links", value=[])),
    ("T4", "extension", "epic", cards("extension", value={})),
    ("T4", "suggestions[0].actions[0].resource.note", "epic", cards(*RESOURCE, "note", value=None)),
]
REMARKS = [
    ("K1", "summary", "epic", cards("summary", value="One line.\nAnother.")),
    ("K4", "", "epic", without("uuid")),
    ("K5", "detail", "sandbox", cards("detail", value="Take <b>care</b>")),
    ("K6", "source.url", "epic", cards("source", "url", value="http://acme.example/about")),
    ("G2", "suggestions[0]", "epic", without(*SUGGESTION, "uuid")),
    ("K9", "selectionBehavior", "oracle", without("suggestions")),
    (
        "H5",
        "suggestions[0].actions[0].resource",
        "oracle",
        cards(*ACTION, value={"type": "delete", "description": "A", "resource": "MedicationRequest/337106213"}),
    ),
    (
        "H6",
        "suggestions[0].actions[0].resourceId",
        "epic",
        cards(*ACTION, value={"type": "delete", "description": "A", "resourceId": "MedicationRequest/1"}),
    ),
    ("H9", "suggestions[0].actions[0].resource", "oracle", cards(*ACTION, value=IN_PART)),
    ("H7", "suggestions[0].actions[0].resource", "epic", without(*RESOURCE, "intent")),
    ("H7", "suggestions[0].actions[0].resource", "epic", cards(*RESOURCE, "status", value="active")),
    ("L2", "links[0].url", "sandbox", cards(*LINK, "url", value="http://acme.example/a")),
    ("L5", "links[1].autolaunchable", "epic", cards("links", 1, "autolaunchable", value=True)),
    ("L6", "links[1].appContext", "oracle", cards("links", 1, "appContext", value="a")),
    ("X1", "extension.note", "epic", cards("extension", value={"note": 1})),
]


def names(found):
    return [f"{rule} {where} {vendor} {number}" for number, (rule, where, vendor, _) in enumerate(found)]


@pytest.mark.parametrize(("rule", "where", "vendor", "twist"), FAULTS, ids=names(FAULTS))
def test_a_fault_of_a_card_is_found_and_named_by_its_rule(rule, where, vendor, twist):
    report = judged(vendor, twist)
    assert rules(report) == {rule}
    assert f"cards[0].{where}" in paths(report)


@pytest.mark.parametrize(("rule", "where", "vendor", "twist"), REMARKS, ids=names(REMARKS))
def test_what_is_allowed_but_unwise_is_a_remark(rule, where, vendor, twist):
    report = judged(vendor, twist)
    assert (rules(report), rules(report, "remark")) == (set(), {rule})
    assert f"cards[0].{where}".rstrip(".") in paths(report)


def test_one_uuid_on_two_cards_is_a_fault():
    report = judged("epic", on_answer(same_card_twice))
    assert rules(report) == {"K4"}
    assert "cards[1].uuid" in paths(report)


def test_a_uuid_of_an_earlier_answer_is_a_remark():
    report = judged("oracle", cards("uuid", value="6b7c2c52-9f0c-4a4e-9d8e-0f3d1f2a7b11"))
    assert (rules(report), rules(report, "remark")) == (set(), {"K4"})


def test_system_actions_are_a_fault_for_epic_and_a_remark_elsewhere():
    assert rules(judged("epic", on_answer(system_actions))) == {"Y2"}
    elsewhere = judged("oracle", on_answer(system_actions))
    assert (rules(elsewhere), rules(elsewhere, "remark")) == (set(), {"Y2"})


@pytest.mark.parametrize(
    "twist",
    [
        twice(*SUGGESTION, "actions"),
        cards("selectionBehavior", value="at-most-one"),
        cards("source", "topic", "code", value="a-b"),
        cards("detail", value="# Calcium\n| a | b |\n|---|---|"),
    ],
)
def test_what_only_another_vendor_minds_is_not_told(twist):
    report = judged("sandbox", twist)
    assert rules(report) | rules(report, "remark") == set()


@pytest.mark.parametrize(
    "detail",
    [
        "- **Calcium** 1.1 mmol/L (<1.15)\n- Weight 24 kg\n\nRules 1.0.0 · 5f8a522f · 15.09.2025",
        "1. First\n2. Then\n\n---\nSource: <https://acme.example>, <someone@acme.example>",
        "`<b>` stands for a bone, `| a |` for nothing; # is a number sign, a > b",
        "Ca < 1.15 and K > 5 | low",
    ],
)
def test_plain_lines_lists_and_emphasis_are_fine_in_a_side_bar(detail):
    report = judged("oracle", cards("detail", value=detail))
    assert rules(report) | rules(report, "remark") == set()


def test_a_more_urgent_card_goes_first():
    report = judged("epic", on_answer(lambda document: append(document, "critical")))
    assert (rules(report), rules(report, "remark")) == (set(), {"K13"})
    assert "cards[1]" in paths(report)


def test_two_pop_ups_at_once_are_told_to_oracle():
    def critical(document):
        document["cards"][0]["indicator"] = "critical"
        append(document, "critical")

    report = judged("oracle", on_answer(critical))
    assert (rules(report), rules(report, "remark")) == (set(), {"K2"})


def append(document, indicator):
    card = {name: document["cards"][0][name] for name in ("summary", "source")}
    document["cards"].append({**card, "indicator": indicator, "uuid": str(uuid4())})


def test_a_card_of_links_alone_says_nothing_to_oracle():
    def only_links(document):
        for name in ("detail", "suggestions", "selectionBehavior"):
            del document["cards"][0][name]

    report = judged("oracle", on_answer(only_links))
    assert (rules(report), rules(report, "remark")) == (set(), {"L6"})


def test_an_order_without_text_leaves_the_sandbox_form_empty():
    drug = {"coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01"}]}
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": drug,
    }
    report = judged("sandbox", cards(*RESOURCE, value=order))
    assert (rules(report), rules(report, "remark")) == (set(), {"H7"})
    assert (
        rules(
            judged(
                "sandbox",
                cards(*RESOURCE, value={**order, "medicationCodeableConcept": {**drug, "text": "Paracetamol"}}),
            ),
            "remark",
        )
        == set()
    )


def test_a_null_that_fhir_wants_in_a_list_is_none_of_t4():
    names = {
        "given": ["A", None],
        "_given": [None, {"extension": [{"url": "https://acme.example/x", "valueCode": "y"}]}],
    }
    report = judged("epic", cards(*RESOURCE, value={"resourceType": "Practitioner", "name": [names]}))
    assert rules(report) == set()


def test_text_of_a_record_in_the_name_of_a_member_is_not_repeated():
    report = judged("epic", cards("Ola Nordmann 010190", value=1))
    assert rules(report) == {"K15"}
    assert "cards[0].*" in paths(report)
