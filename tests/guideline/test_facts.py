from dataclasses import replace
from datetime import date

from cds_service.guideline.course import course_of
from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import NO_FORM, BiopsyRecord, Coded, Condition, Dated, Drug, Facts, Form, Note, Study
from cds_service.guideline.interval import Truth
from cds_service.guideline.provenance import rules
from cds_service.guideline.tables import TABLES
from tests.guideline.vignette import load

AUTHORED = When.on(date(2025, 9, 1))


def test_an_answer_is_told_with_its_item_and_its_day():
    form = Form("QuestionnaireResponse/q", AUTHORED, {"red-flag": frozenset({"pallor", "night-pain"})})
    assert form.fact("red-flag") == (
        Coded("red_flag", "night-pain", "QuestionnaireResponse/q#red-flag", AUTHORED, "answer"),
        Coded("red_flag", "pallor", "QuestionnaireResponse/q#red-flag", AUTHORED, "answer"),
    )
    assert form.fact("fever") == ()


def test_an_item_without_an_answer_is_unknown():
    assert NO_FORM.choice("fever") is None
    assert NO_FORM.yes("trauma") is Truth.UNKNOWN
    assert Facts().answers is NO_FORM


def test_yes_and_no_are_truths():
    form = Form("q", AUTHORED, {"trauma": frozenset({"yes"}), "crps": frozenset({"no"})})
    assert form.yes("trauma") is Truth.YES
    assert form.yes("crps") is Truth.NO


def test_a_condition_is_dated_by_its_onset_else_by_its_recording():
    onset, recorded = When.on(date(2025, 1, 1)), When.on(date(2025, 2, 1))
    assert Condition("cno", "c", onset=onset, recorded=recorded).when == onset
    assert Condition("cno", "c", recorded=recorded).when == recorded
    assert Condition("cno", "c").when is None


def test_a_condition_is_told_with_its_value_and_how_it_was_read():
    condition = Condition("coexist_skin", "Condition/1", "psoriasis", recorded=AUTHORED, read_from="text")
    assert condition.fact() == Coded("coexist_skin", "psoriasis", "Condition/1", AUTHORED, "text")


def test_a_study_tells_whether_it_showed_the_whole_body():
    assert Study("img:wbmri", "s", Truth.YES, AUTHORED).fact() == Coded("img:wbmri", "whole-body", "s", AUTHORED)
    assert Study("img:petct", "s", Truth.UNKNOWN).fact() == Coded("img:petct", "done", "s")


def test_results_that_were_never_taken_are_an_empty_row():
    assert Facts().of("crp") == ()


def test_notes_of_the_reading_stand_beside_those_of_the_rules_sorted_and_once_each():
    case = load()["no symptoms, but bone pain is recorded later"]
    read = (
        Note("Observation/x", "unit-missing", "crp"),
        Note("Bundle.entry[1]", "not-a-resource"),
        Note("Observation/x", "unit-missing", "crp"),
        Note("Observation/x", "data-absent"),
        Note("Observation/x", "unit-missing"),
    )
    notes = evaluate(replace(case.facts, notes=read), case.today).notes
    assert [(note.source, note.reason, note.concept) for note in notes] == [
        ("Bundle.entry[1]", "not-a-resource", None),
        ("Condition/sym_bone_pain-0", "answer-outdated", None),
        ("Observation/x", "data-absent", None),
        ("Observation/x", "unit-missing", None),
        ("Observation/x", "unit-missing", "crp"),
    ]


def test_findings_stand_in_the_order_of_the_text():
    case = load()["V04 boy with leukaemia that looks like CNO"]
    orders = load()["V15 girl of seven with all in order"].facts.orders
    born = When.on(date(2023, 8, 1))
    alp = load()["ALP below the lower limit of its own report [99 U/L (100–400)]"].facts.measurements["alp"]
    vitamin_c = load()["vitamin C below the lower limit of its own report"].facts.measurements["vitamin_c"]
    measurements = {**case.facts.measurements, "alp": alp, "vitamin_c": vitamin_c}
    facts = replace(case.facts, born=born, orders=orders, measurements=measurements)
    found = [finding.id for finding in evaluate(facts, case.today).findings]
    assert found == [rule.id for rule in rules() if rule.id in found]
    assert {"BGR-01", "LAB-17", "LAB-18", "BIO-01", "DDX-01", "DDX-08", "ZOL-11", "ZOL-12"} <= set(found)


def test_an_evaluation_keeps_its_day_its_facts_and_the_threshold():
    case = load()["V01 girl with symmetric metaphyseal lesions"]
    result = evaluate(case.facts, case.today)
    assert result.today == case.today
    assert result.facts is case.facts
    assert result.classification.threshold == 55


def test_the_dates_that_rules_count_from_tell_where_they_stand():
    start, recorded = When.on(date(2025, 8, 4)), When.on(date(2025, 9, 1))
    pain = Condition("sym_bone_pain", "Condition/pain", onset=start)
    diagnosis = Condition("cno", "Condition/cno", recorded=recorded)
    course = course_of(Facts(conditions=(pain, diagnosis)), date(2025, 9, 15), TABLES)
    assert course.onset == Dated("symptom_onset", start, "Condition/pain")
    assert course.diagnosis == Dated("cno_diagnosis", recorded, "Condition/cno")
    form = Form("QuestionnaireResponse/q", AUTHORED, dates={"symptom-onset": start, "symptom-end": recorded})
    answered = course_of(Facts(form=form), date(2025, 9, 15), TABLES)
    assert answered.onset == Dated("symptom_onset", start, "QuestionnaireResponse/q#symptom-onset")
    assert answered.end == Dated("symptom_end", recorded, "QuestionnaireResponse/q#symptom-end")


def test_without_dates_a_course_has_none():
    course = course_of(Facts(), date(2025, 9, 15), TABLES)
    assert (course.onset, course.end, course.diagnosis, course.safety.start) == (None, None, None, None)


def test_a_course_and_a_biopsy_of_the_record_are_told_with_their_source_and_day():
    day = When.on(date(2025, 8, 1))
    drug = Drug("drug:antibacterial", "administration", "completed", "MedicationAdministration/1", day)
    facts = Facts(drugs=(drug,), biopsies=(BiopsyRecord("histology", "DiagnosticReport/1", day),))
    one = evaluate(facts, date(2025, 9, 15)).classification
    assert one.exclusion_criteria[3].evidence == (
        Coded("drug:antibacterial", "administration", "MedicationAdministration/1", day),
    )
    assert one.domains[0].evidence == (Coded("biopsy_histology", "recorded", "DiagnosticReport/1", day),)


def test_domains_carry_the_names_of_the_contract():
    done = Form("q", AUTHORED, {"biopsy-status": frozenset({"done"})})
    for facts in (Facts(), Facts(form=done), Facts(biopsies=(BiopsyRecord("procedure", "Procedure/1"),))):
        names = [domain.name for domain in evaluate(facts, date(2025, 9, 15)).classification.domains]
        assert names == [
            "bone_biopsy", "age_at_onset", "site", "distribution", "coexisting_conditions",
            "hemoglobin", "fever", "esr", "crp",
        ]  # fmt: skip


def test_a_pin_that_is_ignored_names_its_result():
    case = load()["a pin known only to the month is ignored"]
    assert evaluate(case.facts, case.today).notes == (
        Note("QuestionnaireResponse/form#pinned-crp", "value-missing", "crp"),
    )
