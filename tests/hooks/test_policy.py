from dataclasses import replace
from datetime import date

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Condition, Drug, Facts, Form, Lesion, Order, Planned
from cds_service.guideline.interval import Truth
from cds_service.hooks import policy
from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.operations.errors import RequestError

TODAY = date(2025, 9, 15)
CHILD = Facts(patient_id="p", born=When.on(date(2014, 4, 10)))
ADULT = Facts(patient_id="p", born=When.on(date(1990, 4, 10)))
AGELESS = Facts(patient_id="p")
FORM = Form("QuestionnaireResponse/q", When.on(date(2025, 9, 1)))


def condition(concept, **members):
    return Condition(concept, f"Condition/{concept}", **members)


def order(concept="drug:zoledronic_acid", planned=TODAY):
    return Order(concept, "MedicationRequest/z", Planned(When.on(planned), "timing"))


def lesion(bone="tibia", *features):
    return Lesion(bone, "BodyStructure/b", features=frozenset(features))


def given_drug(concept="drug:zoledronic_acid", kind="administration", status="completed"):
    return Drug(concept, kind, status, "MedicationAdministration/m", When.on(date(2025, 1, 1)))


def silence(facts, hook="patient-view", *, by_patient=False, **members):
    return policy.silence(evaluate(replace(facts, **members), TODAY), hook, by_patient=by_patient)


@pytest.mark.parametrize(
    "sign",
    [
        {"conditions": (condition("cno"),)},
        {"conditions": (condition("cno_possible"),)},
        {"conditions": (condition("sapho"),)},
        {"conditions": (condition("sym_bone_pain"),)},
        {"conditions": (condition("cno", confirmed=Truth.UNKNOWN, active=Truth.NO),)},
        {"lesions": (lesion("tibia", "marrow-oedema"),)},
        {"lesions": (lesion(None, "lytic"),)},
        {"form": FORM},
        {"drugs": (given_drug(),)},
        {"drugs": (given_drug(kind="request", status="active"),)},
    ],
)
@pytest.mark.parametrize("patient", [CHILD, ADULT, AGELESS])
def test_a_sign_of_cno_ends_the_silence(sign, patient):
    assert silence(patient, **sign) is None


@pytest.mark.parametrize(
    "none",
    [
        {},
        {"conditions": (condition("sym_bone_pain_possible"), condition("sym_joint_pain"), condition("mimic_leukemia"))},
        {"lesions": (lesion("tibia"), lesion("tibia", "cortical-destruction", "vertebral-collapse"))},
        {"lesions": (lesion("tibia", "periosteal-reaction"),)},
        {"lesions": (lesion("si_joint", "marrow-oedema"),)},
        {"drugs": (given_drug(status="not-done"), given_drug("drug:nsaid"))},
        {"drugs": (given_drug(status="entered-in-error"),)},
    ],
)
@pytest.mark.parametrize("patient", [CHILD, ADULT, AGELESS])
def test_what_is_no_sign_of_cno_leaves_the_service_silent(none, patient):
    assert silence(patient, **none) == "no-suspicion"


@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign"])
def test_a_patient_or_relative_is_never_shown_a_card(hook):
    facts = replace(CHILD, form=FORM, orders=(order(),))
    assert silence(facts, hook, by_patient=True) == "patient-user"


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (CHILD, None),
        (AGELESS, None),
        (ADULT, "order-outside"),
        (replace(ADULT, conditions=(condition("cno"),)), None),
        (replace(ADULT, conditions=(condition("sapho"),)), None),
        (replace(ADULT, conditions=(condition("cno_possible"),)), None),
        (replace(ADULT, conditions=(condition("sym_bone_pain"),)), "order-outside"),
        (replace(ADULT, form=FORM), None),
    ],
)
def test_zoledronic_acid_is_spoken_about_for_children_unknown_ages_and_cno(facts, word, hook):
    assert silence(facts, hook, orders=(order(),)) == word


@pytest.mark.parametrize(("planned", "word"), [(date(2025, 10, 1), None), (date(2025, 10, 2), "order-outside")])
def test_the_age_at_an_order_is_that_of_the_planned_date(planned, word):
    almost = Facts(born=When.on(date(2007, 10, 2)))
    assert silence(almost, "order-sign", orders=(order(planned=planned),)) == word


@pytest.mark.parametrize("orders", [(), (order("drug:paracetamol"),), (order("drug:paracetamol_comb"),)])
def test_an_order_of_another_kind_is_outside(orders):
    assert silence(CHILD, "order-sign", form=FORM, orders=orders) == "order-outside"


@pytest.mark.parametrize("concept", ["drug:nsaid", "img:mr", "order:unreadable", "drug:pamidronate"])
def test_imaging_and_treatment_orders_are_spoken_about_only_under_suspicion(concept):
    assert silence(CHILD, "order-sign", orders=(order(concept),)) == "no-suspicion"
    assert silence(CHILD, "order-sign", orders=(order(concept),), form=FORM) is None


@pytest.mark.parametrize(("facts", "word"), [(CHILD, None), (AGELESS, None), (ADULT, "no-suspicion")])
def test_a_bone_biopsy_of_a_child_is_spoken_about_without_suspicion(facts, word):
    assert silence(facts, "order-sign", orders=(order("proc:bone_biopsy"),)) == word


def test_an_onset_in_adult_age_is_silent_unless_cno_or_a_response_is_on_record():
    onset = When.on(date(2020, 1, 1))
    pain = condition("sym_bone_pain", onset=onset)
    assert silence(ADULT, conditions=(pain,)) == "adult-onset"
    assert silence(ADULT, conditions=(pain, condition("cno"))) is None
    assert silence(ADULT, conditions=(pain,), form=FORM) is None


def test_at_an_order_an_adult_onset_is_silent_but_for_a_known_cno():
    pain = condition("sym_bone_pain", onset=When.on(date(2020, 1, 1)))
    assert silence(ADULT, "order-sign", conditions=(pain,), form=FORM, orders=(order(),)) == "adult-onset"
    assert silence(ADULT, "order-sign", conditions=(pain, condition("cno")), orders=(order(),)) is None


def refused(facts, *, patient_received=True):
    try:
        policy.require_record(evaluate(facts, TODAY), patient_received=patient_received, why="")
    except RequestError as error:
        return error.status
    return None


NO_LIST = frozenset({"Condition"})


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (CHILD, None),
        (replace(CHILD, not_received=NO_LIST), 412),
        (replace(AGELESS, not_received=NO_LIST), 412),
        (replace(ADULT, not_received=NO_LIST), None),
        (replace(CHILD, not_received=NO_LIST, form=FORM), None),
        (replace(CHILD, not_received=NO_LIST, drugs=(given_drug(),)), None),
        (replace(CHILD, not_received=frozenset({"Observation", "Procedure"})), None),
    ],
)
def test_silence_about_a_child_must_rest_on_a_received_list_of_conditions(facts, status):
    assert refused(facts) == status


def test_without_a_patient_there_is_no_answer():
    assert refused(replace(CHILD, form=FORM), patient_received=False) == 412


def test_a_silent_order_service_that_drew_no_card_says_why():
    imaging = evaluate(replace(CHILD, form=FORM, orders=(order("img:mr"),)), TODAY)
    infusion = evaluate(replace(CHILD, orders=(order(),)), TODAY)
    assert policy.nothing_to_say(imaging, "order-sign") == "order-outside"
    assert policy.nothing_to_say(infusion, "order-sign") is None
    assert policy.nothing_to_say(imaging, "patient-view") is None


def test_the_scope_takes_the_age_of_the_planned_date_at_orders_and_of_today_otherwise():
    almost = Facts(born=When.on(date(2007, 10, 2)), orders=(order(planned=date(2025, 10, 2)),))
    evaluation = evaluate(almost, TODAY)
    at_order = policy.scope(evaluation, "order-sign", TOPIC_CODES, quiet_when_ready=True)
    at_view = policy.scope(evaluation, "patient-view", TOPIC_CODES, quiet_when_ready=False)
    assert (at_order.age_group, at_order.quiet_when_ready) == ("adult", True)
    assert (at_view.age_group, at_view.suspicion) == ("child", False)


def test_an_adults_zoledronic_acid_is_not_judged_because_another_order_beside_it_is():
    orders = (order(), order("drug:nsaid"))
    adult = replace(ADULT, conditions=(condition("sym_bone_pain"),), orders=orders)
    assert silence(adult, "order-sign") is None
    scope = policy.scope(evaluate(adult, TODAY), "order-sign", TOPIC_CODES, quiet_when_ready=False)
    assert not scope.readiness_due
