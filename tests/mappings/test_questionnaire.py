"""The newest completed response as a whole; unknown codes and wrong types are unknown, and noted."""

from datetime import date

import msgspec
import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Lesion, Note
from cds_service.guideline.interval import Truth
from cds_service.mappings import fhir
from cds_service.mappings.form import FORM
from cds_service.mappings.questionnaire import newest
from cds_service.mappings.reading import Reader

SCT = "http://snomed.info/sct"
TODAY = date(2025, 9, 15)
URL = "https://example.org/cno-cds/Questionnaire/cno-assessment"
SOURCE = "QuestionnaireResponse/q1"


def code(link_id, *codes, system=None, **more):
    answers = [{"valueCoding": {"system": system, "code": each}} for each in codes]
    return {"linkId": link_id, "answer": answers, **more}


def day(link_id, text):
    return {"linkId": link_id, "answer": [{"valueDate": text}]}


def response(*items, **fields):
    members = {"questionnaire": URL, "status": "completed", "authored": "2025-09-01", "item": list(items), **fields}
    return msgspec.convert({"resourceType": "QuestionnaireResponse", **members}, fhir.QuestionnaireResponse)


def answered(*items, **fields):
    reader = Reader(TODAY)
    return newest([(SOURCE, response(*items, **fields))], reader), reader.notes


def test_answers_dates_and_yes_or_no():
    form, notes = answered(
        code("fever", "absent"),
        code("imaging-typical", "yes"),
        day("symptom-onset", "2025-03"),
        code("coexisting", "ibd", "psoriasis"),
    )
    assert form.source == SOURCE
    assert form.authored == When.on(date(2025, 9, 1))
    assert form.choice("fever") == "absent"
    assert form.yes("imaging-typical") is Truth.YES
    assert form.choices["coexisting"] == {"ibd", "psoriasis"}
    assert form.dates == {"symptom-onset": When(date(2025, 3, 1), date(2025, 3, 31))}
    assert not form.open_lists
    assert not notes


def test_unknown_stands_nowhere_and_opens_a_list():
    form, notes = answered(code("fever", "unknown"), code("red-flag", "pallor", "unknown"))
    assert form.choices == {"red-flag": {"pallor"}}
    assert form.open_lists == {"red-flag"}
    assert not notes


def test_a_code_that_the_form_does_not_have_is_unknown_and_noted():
    form, notes = answered(code("fever", "maybe"), code("red-flag", "pallor", "purple"))
    assert form.choices == {"red-flag": {"pallor"}}
    assert form.open_lists == {"red-flag"}
    assert notes == [Note(SOURCE, "answer-unknown-code", "fever"), Note(SOURCE, "answer-unknown-code", "red_flag")]


@pytest.mark.parametrize("value", [{"valueString": "absent"}, {"valueBoolean": True}, {"valueDate": "2025-01-01"}, {}])
def test_a_value_of_another_type_is_unknown_and_noted(value):
    form, notes = answered({"linkId": "fever", "answer": [value]})
    assert form.choice("fever") is None
    assert notes == [Note(SOURCE, "answer-wrong-type", "fever")]


def test_a_date_of_another_type_is_noted():
    form, notes = answered({"linkId": "symptom-onset", "answer": [{"valueString": "i fjor"}]})
    assert not form.dates
    assert notes == [Note(SOURCE, "answer-wrong-type", "symptom_onset")]


@pytest.mark.parametrize(("text", "reason"), [("2025-13", "date-unreadable"), ("2025-09-16", "date-in-future")])
def test_a_date_that_cannot_be_is_noted(text, reason):
    form, notes = answered(day("symptom-onset", text))
    assert not form.dates
    assert notes == [Note(SOURCE, reason, "symptom_onset")]


def test_two_answers_to_one_question_are_none():
    form, notes = answered(code("fever", "absent", "present-unexplained"))
    assert form.choice("fever") is None
    assert notes == [Note(SOURCE, "coding-contradiction", "fever")]


def test_the_same_answer_twice_is_one():
    assert answered(code("fever", "absent"), code("fever", "absent"))[0].choice("fever") == "absent"


def test_two_dates_for_one_question_are_none():
    form, notes = answered(day("symptom-onset", "2025-03"), day("symptom-onset", "2025-04"))
    assert not form.dates
    assert notes == [Note(SOURCE, "coding-contradiction", "symptom_onset")]


def test_none_beside_another_answer_keeps_the_other_and_opens_the_list():
    form, notes = answered(code("coexisting", "none", "ibd"))
    assert form.choices["coexisting"] == {"ibd"}
    assert form.open_lists == {"coexisting"}
    assert notes == [Note(SOURCE, "coding-contradiction", "coexisting")]


def test_none_alone_is_an_answer():
    assert answered(code("coexisting", "none"))[0].choices["coexisting"] == {"none"}


def test_items_may_be_nested_at_any_depth():
    inner = {"linkId": "page", "item": [{"linkId": "box", "answer": [{"item": [code("fever", "absent")]}]}]}
    assert answered(inner)[0].choice("fever") == "absent"


def lesion(*children):
    return {"linkId": "lesion", "item": list(children)}


def test_lesions():
    form, notes = answered(
        lesion(
            code("lesion-bone", "12611008", system=SCT),
            code("lesion-side", "left"),
            code("lesion-zone", "metaphysis"),
            code("lesion-feature", "marrow-oedema", "lytic"),
        ),
        lesion(code("lesion-bone", "52687003", system=SCT)),
    )
    assert form.lesions == (
        Lesion("tibia", SOURCE, "left", "metaphysis", frozenset({"marrow-oedema", "lytic"})),
        Lesion("tibia", SOURCE, None, "diaphysis"),
    )
    assert not notes


def test_a_lesion_of_an_unknown_bone_counts():
    form, notes = answered(lesion(code("lesion-side", "left")), lesion(code("lesion-bone", "unknown")))
    assert [(each.bone, each.side) for each in form.lesions] == [(None, "left"), (None, None)]
    assert not notes


def test_an_empty_group_is_no_lesion():
    assert answered(lesion(), lesion({"linkId": "lesion-bone"}))[0].lesions == ()


def test_a_bone_that_we_do_not_know_is_noted():
    form, notes = answered(lesion(code("lesion-bone", "7771000", system=SCT)))
    assert form.lesions == (Lesion(None, SOURCE),)
    assert notes == [Note(SOURCE, "bone-unmapped", "lesion_bone")]


def test_a_bone_without_a_system_is_taken_as_snomed_ct():
    assert answered(lesion(code("lesion-bone", "51299004")))[0].lesions[0].bone == "clavicle"


def test_children_of_a_lesion_inside_an_answer_are_read():
    group = {"linkId": "lesion", "answer": [{"item": [code("lesion-bone", "51299004", system=SCT)]}]}
    assert answered(group)[0].lesions[0].bone == "clavicle"


def test_an_unknown_feature_leaves_the_others():
    form, notes = answered(lesion(code("lesion-bone", "51299004"), code("lesion-feature", "lytic", "glowing")))
    assert form.lesions[0].features == {"lytic"}
    assert notes == [Note(SOURCE, "answer-unknown-code", "lesion_feature")]


def test_the_newest_counts_as_a_whole_and_the_others_are_noted():
    older = response(code("fever", "absent"), code("coexisting", "ibd"), authored="2025-08-01")
    newer = response(code("fever", "present-unexplained"))
    for responses in ([("Q/1", older), ("Q/2", newer)], [("Q/2", newer), ("Q/1", older)]):
        reader = Reader(TODAY)
        form = newest(responses, reader)
        assert form.source == "Q/2"
        assert form.choices == {"fever": {"present-unexplained"}}
        assert reader.notes == [Note("Q/1", "questionnaire-superseded", "assessment")]


def test_of_the_same_day_the_later_hour_and_then_the_id_decides():
    morning = response(code("fever", "absent"), authored="2025-09-01T08:00:00Z")
    evening = response(code("fever", "present-unexplained"), authored="2025-09-01T18:00:00Z")
    assert newest([("Q/9", morning), ("Q/1", evening)], Reader(TODAY)).source == "Q/1"
    assert newest([("Q/9", morning), ("Q/1", morning)], Reader(TODAY)).source == "Q/9"


def test_a_response_without_date_is_older_than_all_others():
    dated, undated = response(authored="2020-01-01"), response(authored=None)
    assert newest([("Q/1", dated), ("Q/2", undated)], Reader(TODAY)).source == "Q/1"
    assert newest([("Q/2", undated)], Reader(TODAY)).authored is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "in-progress"}, "status-not-final"),
        ({"status": None}, "status-missing"),
        ({"authored": "2025-09-16"}, "date-in-future"),
    ],
)
def test_responses_that_do_not_count_are_noted(fields, reason):
    assert answered(code("fever", "absent"), **fields) == (None, [Note(SOURCE, reason, "assessment")])


def test_an_amended_response_counts():
    assert answered(code("fever", "absent"), status="amended")[0].choice("fever") == "absent"


@pytest.mark.parametrize(
    "url", [f"{URL}|1.0.0", "Questionnaire/cno-assessment", "http://x.example.org/fhir/Questionnaire/cno-assessment"]
)
def test_the_form_is_known_by_the_end_of_its_address(url):
    assert answered(questionnaire=url)[0] is not None


@pytest.mark.parametrize(
    "url", [None, "https://example.org/Questionnaire/phq-9", "https://example.org/Questionnaire/not-cno-assessment"]
)
def test_other_questionnaires_are_nothing(url):
    assert answered(questionnaire=url, status="in-progress") == (None, [])


def test_every_code_of_the_form_is_read():
    for item in FORM.items:
        for each in item.answers:
            form, notes = answered(code(item.link_id, each))
            assert form.choices == {item.link_id: {each}}
            assert not notes


def test_two_bones_in_one_lesion_are_none():
    form, notes = answered(lesion(code("lesion-bone", "12611008", "71341001", system=SCT)))
    assert form.lesions == (Lesion(None, SOURCE),)
    assert notes == [Note(SOURCE, "coding-contradiction", "lesion_bone")]


def test_what_the_form_does_not_ask_is_passed_over():
    form, notes = answered(code("shoe-size", "38"), lesion(code("lesion-bone", "12611008"), code("colour", "red")))
    assert (form.choices, len(form.lesions), notes) == ({}, 1, [])
