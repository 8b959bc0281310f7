import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import (
    Condition,
    Dose,
    Drug,
    Facts,
    Form,
    Lesion,
    Measurement,
    Note,
    Order,
    Planned,
    Rate,
)
from cds_service.guideline.interval import Interval
from cds_service.guideline.results import Evaluation, Finding
from cds_service.hooks.cards import TOPICS, CardStyle, Scope, build_cards
from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.report import sections
from cds_service.hooks.wording import wording

TODAY = date(2025, 9, 15)
PLANNED = date(2025, 10, 20)
ONSET = When(date(2025, 3, 1), date(2025, 3, 31))
BORN = When.on(date(2015, 4, 10))
CHILD = Scope("patient-view", suspicion=True, age_group="child")
AT_ORDER = Scope("order-sign", suspicion=True, age_group="child")
STRANGER = Scope("order-sign", suspicion=False, age_group="child")
SPACE = "\N{NO-BREAK SPACE}"
ANSWERS = {
    "symptom-type": {"bone-pain"},
    "fever": {"absent"},
    "mimicker": {"excluded"},
    "ldh-concern": {"no"},
    "antimicrobial-response": {"none-given"},
    "biopsy-status": {"not-done"},
    "coexisting": {"none"},
    "general-condition": {"good"},
    "malignancy-excluded": {"yes"},
    "whole-body-imaging": {"done"},
}
TIBIAE = tuple(
    Lesion("tibia", f"QuestionnaireResponse/q1#{side}", side, "metaphysis", frozenset({"marrow-oedema"}))
    for side in ("left", "right")
)


def measured(name, value, unit, day, reference=None, **members):
    interval = value if isinstance(value, Interval) else Interval.exactly(Decimal(value))
    span = Interval(*(Decimal(end) for end in reference)) if reference else None
    when = None if day is None else When.on(day)
    members = {"source": f"Observation/{name}", **members}
    return Measurement(name, interval, unit, when, reference=span, **members)


def form(answers=None, lesions=TIBIAE, onset=ONSET):
    choices = {link: frozenset(codes) for link, codes in {**ANSWERS, **(answers or {})}.items() if codes}
    return Form("QuestionnaireResponse/q1", When.on(TODAY), choices, dates={"symptom-onset": onset}, lesions=lesions)


def facts(*results, answers=None, lesions=TIBIAE, **members):
    by_name = {}
    for result in results:
        by_name.setdefault(result.name, []).append(result)
    grouped = {name: tuple(values) for name, values in by_name.items()}
    members = {"patient_id": "p1", "born": BORN, "form": form(answers, lesions), **members}
    return Facts(measurements=grouped, **members)


BLOOD = (
    measured("hemoglobin", "12.4", "g/dL", date(2025, 9, 1), ("11", "15")),
    measured("crp", "6", "mg/L", date(2025, 9, 1)),
    measured("esr", "24", "mm/h", date(2025, 9, 1)),
    measured("platelets", "310", "10*9/L", date(2025, 9, 1), ("150", "450")),
    measured("ldh", "215", "U/L", date(2025, 9, 1), ("105", "305")),
)


def order(**members):
    planned = Planned(When.on(PLANNED), "timing")
    defaults = {"dose": Dose(Decimal("0.6"), per_kg=False), "rate": Rate(Decimal(200), per_kg=False)}
    return Order("drug:zoledronic_acid", "MedicationRequest/z1", planned, **{**defaults, **members})


BEFORE = (
    measured("vitd25", "72", "nmol/L", date(2025, 10, 8)),
    measured("calcium_free", "1.20", "mmol/L", date(2025, 10, 15), ("1.15", "1.33")),
    measured("body_weight", "24", "kg", date(2025, 10, 14)),
)


def infusion_facts(*replaced, without=(), **members):
    """The facts of an order that is in order, with some results replaced or left out."""
    names = {result.name for result in replaced} | set(without)
    kept = (result for result in BEFORE if result.name not in names)
    orders = members.pop("orders", (order(), Order("drug:paracetamol", "MedicationRequest/p1")))
    return facts(*replaced, *kept, orders=orders, **members)


@pytest.fixture
def cards(new_uuid):
    def build(record, scope=CHILD, language="en", **style):
        result = record if isinstance(record, Evaluation) else evaluate(record, TODAY)
        return build_cards(result, scope, wording(language), CardStyle(**style), new_uuid, sections(result))

    return build


def of_topic(built, topic):
    return next(card for card in built if card["source"]["topic"]["code"] == TOPICS[topic])


def topics(built):
    codes = {code: topic for topic, code in TOPICS.items()}
    return [codes[card["source"]["topic"]["code"]] for card in built]


# Classification


def test_fulfilled_criteria_are_told_as_classification_and_rule_nothing_out(cards):
    card = of_topic(cards(facts(*BLOOD)), "classification")
    assert card["summary"] == "CNO criteria fulfilled: 67 of 100 points (threshold 55). Classification, not diagnosis."
    assert card["indicator"] == "info"
    assert "Does not rule out infection or malignancy." in card["detail"]
    assert "- Entry: 3 of 3 met" in card["detail"]
    assert "- Exclusions: verified absent" in card["detail"]


def test_each_domain_has_a_bullet_with_value_unit_date_and_points(cards):
    detail = of_topic(cards(facts(*BLOOD), language="nb"), "classification")["detail"]
    assert f"- Hb 12,4{SPACE}g/dL (01.09.2025): 8{SPACE}p" in detail
    assert f"- SR 24{SPACE}mm/t (01.09.2025): 8{SPACE}p" in detail
    assert f"- Alder ved debut – 9 år, debut 03.2025: 17{SPACE}p" in detail
    assert f"- Utbredelse – flere bein, symmetrisk: 9{SPACE}p" in detail
    assert f"- Feber – ingen (besvart 15.09.2025): 8{SPACE}p" in detail
    assert detail.count(f"{SPACE}p\n") == 9


def test_an_unknown_domain_is_named_as_not_assessed_with_its_possible_points(cards):
    card = of_topic(cards(facts(answers={"fever": None, "coexisting": None})), "classification")
    assert "- Fever: not assessed (0 or 8)" in card["detail"]
    assert "- Coexisting disease: not assessed (0–9)" in card["detail"]
    assert "- ESR: not assessed (0 or 8)" in card["detail"]


def test_an_open_score_is_a_range_and_names_what_would_settle_it_first(cards):
    card = of_topic(cards(facts(*BLOOD[1:3], answers={"fever": None, "coexisting": None})), "classification")
    assert (
        card["summary"] == "CNO criteria: 51–76 of 100 points (threshold 55). Unsettled: fever, coexisting disease, Hb."
    )
    bullets = [line for line in card["detail"].split("\n") if "assessed" in line]
    assert bullets[0].startswith("- Fever")


def test_results_on_both_sides_of_a_limit_are_both_shown_and_stay_open(cards):
    later = measured("crp", "45.6", "mg/L", date(2025, 9, 10), source="Observation/crp2")
    detail = of_topic(cards(facts(*BLOOD, later)), "classification")["detail"]
    assert "- CRP 6 mg/L (01 Sep 2025), CRP 45.6 mg/L (10 Sep 2025): unsettled (0 or 8)" in detail


def test_an_unknown_biopsy_status_is_told_as_assumed(cards):
    detail = of_topic(cards(facts(*BLOOD, answers={"biopsy-status": None})), "classification")["detail"]
    assert "- Bone biopsy, assumed not done: 0 p" in detail


def test_provisional_says_what_is_not_verified(cards):
    record = facts(*BLOOD, answers={"mimicker": None, "antimicrobial-response": None})
    card = of_topic(cards(record), "classification")
    assert card["summary"] == "55 points reached (67 of 100), but not verified: mimic, antimicrobial response."
    assert "- Exclusions: not verified (mimic, antimicrobial response)" in card["detail"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_not_fulfilled_says_in_every_language_that_cno_is_not_ruled_out(cards, language):
    low = (
        measured("hemoglobin", "9.1", "g/dL", date(2025, 9, 1)),
        measured("crp", "80", "mg/L", date(2025, 9, 1)),
        measured("esr", "88", "mm/h", date(2025, 9, 1)),
    )
    card = of_topic(cards(facts(*low, lesions=TIBIAE[:1]), language=language), "classification")
    assert "82" in card["summary"]
    assert "82" in card["detail"]
    assert "CNO" in card["summary"]


def test_low_platelets_are_told_with_their_number_and_are_critical(cards):
    few = measured("platelets", "86", "10*9/L", date(2025, 9, 1))
    card = of_topic(cards(facts(*BLOOD[:3], few), language="nb"), "classification")
    assert card["indicator"] == "critical"
    assert card["summary"] == (
        f"CNO-kriteriene kan ikke brukes: eksklusjonsfunn, trombocytter 86{SPACE}×10⁹/L. Vurder malignitet."
    )


def test_a_platelet_count_just_below_the_limit_is_not_printed_as_the_limit(cards):
    few = measured("platelets", "99.6", "10*9/L", date(2025, 9, 1))
    assert "platelets 99.6 ×10⁹/L" in of_topic(cards(facts(*BLOOD[:3], few)), "classification")["summary"]


def test_a_mimicker_is_told_by_our_own_name_for_it(cards):
    leukaemia = Condition("mimic_leukemia", "Condition/c1", recorded=When.on(date(2025, 9, 2)))
    card = of_topic(cards(facts(*BLOOD, conditions=(leukaemia,))), "classification")
    assert card["summary"] == "CNO criteria do not apply: exclusion found, leukaemia."
    assert card["indicator"] == "critical"
    assert "- Leukaemia (02 Sep 2025)" in card["detail"]


def test_a_raised_ldh_that_the_clinician_has_judged_stays_on_the_card_as_a_warning(cards):
    raised = measured("ldh", "340", "U/L", date(2025, 9, 1), ("105", "305"))
    card = of_topic(cards(facts(*BLOOD[:4], raised)), "classification")
    assert card["indicator"] == "warning"
    assert "LD 340 U/L (01 Sep 2025), upper limit 305: raised, judged by a clinician as no concern." in card["detail"]
    assert "Exclusions: verified absent" in card["detail"]


def test_a_raised_ldh_without_an_answer_is_a_warning_that_nobody_has_judged_it(cards):
    raised = measured("ldh", "340", "U/L", date(2025, 9, 1), ("105", "305"))
    card = of_topic(cards(facts(*BLOOD[:4], raised, answers={"ldh-concern": None})), "classification")
    assert card["indicator"] == "warning"
    assert "raised, not judged by a clinician" in card["detail"]


def test_symptoms_that_are_still_too_short_name_the_day_to_look_again(cards):
    record = facts(*BLOOD)
    recent = replace(record, form=form(onset=When.on(date(2025, 9, 1))))
    card = of_topic(cards(recent), "classification")
    assert card["summary"] == "CNO criteria do not apply yet: symptoms too short. Reassess on 13 Oct 2025."
    assert "points" not in card["summary"]
    assert " p\n" not in card["detail"]


def test_without_any_typical_finding_no_points_are_shown(cards):
    card = of_topic(cards(facts(*BLOOD, answers={"imaging-typical": {"no"}}, lesions=())), "classification")
    assert card["summary"] == "CNO criteria do not apply: entry criterion not met (imaging finding)."
    assert "- Entry: not met (imaging finding)" in card["detail"]


def test_an_onset_in_adult_age_gives_one_card_that_refers_to_adults(cards):
    record = replace(facts(*BLOOD), born=When.on(date(2001, 1, 15)))
    built = cards(record, Scope("patient-view", suspicion=True, age_group="adult"))
    assert topics(built) == ["classification"]
    assert built[0]["summary"].startswith("Onset in adult age")
    assert not re.search(r"\b\d+ p\b|points", built[0]["detail"])


def test_an_onset_from_the_problem_list_is_shown_as_such(cards):
    pain = Condition("sym_bone_pain", "Condition/pain", onset=When.on(date(2025, 3, 4)))
    record = Facts(patient_id="p1", born=BORN, conditions=(pain,))
    assert "9 years, onset 04 Mar 2025 from the problem list" in of_topic(cards(record), "classification")["detail"]


def test_what_could_not_be_read_is_counted_by_concept_and_never_quoted(cards):
    notes = (
        Note("Observation/a", "unit-missing", "crp"),
        Note("Observation/b", "value-not-a-number", "crp"),
        Note("Observation/c", "status-not-final", "esr"),
        Note("Bundle.entry[7]", "not-a-resource"),
        Note("Observation/d", "read-by-name", "hemoglobin"),
    )
    record = replace(facts(), notes=notes, not_received=frozenset({"Condition", "Appointment"}))
    detail = of_topic(cards(record), "classification")["detail"]
    assert "- Could not be read: CRP (2), ESR, other" in detail
    assert "- Not received: diagnoses\n" in detail


def test_a_list_of_which_only_a_page_came_is_told(cards):
    record = replace(facts(), notes=(Note("prefetch.labs", "incomplete-page"),))
    assert "- At least one list was received in part only." in of_topic(cards(record), "classification")["detail"]


def test_a_possible_mimicker_is_named_and_to_be_clarified(cards):
    maybe = Condition("mimic_infectious_osteomyelitis_possible", "Condition/c1", recorded=When.on(date(2025, 8, 2)))
    record = facts(*BLOOD, answers={"mimicker": None}, conditions=(maybe,))
    assert (
        "- Possible infectious osteomyelitis (02 Aug 2025): to be clarified."
        in (of_topic(cards(record), "classification")["detail"])
    )


# Biopsy


def test_the_biopsy_card_counts_and_names_and_never_decides(cards):
    card = of_topic(cards(facts(*BLOOD, answers={"classic-presentation": {"yes"}})), "biopsy")
    lists = evaluate(facts(*BLOOD, answers={"classic-presentation": {"yes"}}), TODAY).biopsy
    assert card["summary"] == (
        f"Reasons for and against bone biopsy: {len(lists.consider)} for, {len(lists.refrain)} against, "
        f"{len(lists.not_assessed)} not assessed. The decision is clinical."
    )
    assert "- Against: classic picture in a well child" in card["detail"]
    assert "- Against: several symmetric, typical lesions" in card["detail"]
    assert "- Not assessed: " in card["detail"]
    assert card["indicator"] == "info"


def test_a_fast_growing_lesion_is_a_warning_that_the_summary_names(cards):
    growing = replace(TIBIAE[0], features=frozenset({"marrow-oedema", "rapid-growth"}))
    card = of_topic(cards(facts(lesions=(growing, TIBIAE[1]))), "biopsy")
    assert card["indicator"] == "warning"
    assert card["summary"].endswith("Note: fast-growing lesion.")
    assert "- For: fast-growing lesion – left tibia (metaphysis)" in card["detail"]


def test_a_clavicle_alone_is_told_in_softer_words(cards):
    clavicle = Lesion("clavicle", "QuestionnaireResponse/q1", "right", None, frozenset({"sclerotic"}))
    detail = of_topic(cards(facts(lesions=(clavicle,)), language="nb"), "biopsy")["detail"]
    assert "- For: solitær, men klavikula alene" in detail
    assert "- Mot: bare klavikula – høyre klavikula" in detail


def test_malignancy_that_is_merely_unanswered_makes_no_biopsy_card(cards):
    record = Facts(born=BORN, conditions=(Condition("cno", "Condition/c"),))
    assert [reason.id for reason in evaluate(record, TODAY).biopsy.consider] == ["BIO-19"]
    assert topics(cards(record)) == ["classification"]


def test_blasts_make_the_biopsy_card_critical_and_only_abnormal_counts_stand_behind_the_reason(cards):
    blasts = measured("blasts", "0.2", "10*9/L", date(2025, 9, 1))
    card = of_topic(cards(facts(*BLOOD, blasts)), "biopsy")
    assert card["indicator"] == "critical"
    assert "- For: blasts in blood – blasts 0.2 ×10⁹/L (01 Sep 2025)\n" in card["detail"]


# Red flags, order and folding


def test_a_low_alp_is_a_red_flag_with_its_value(cards):
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    card = of_topic(cards(facts(*BLOOD, low)), "red-flag")
    assert card["indicator"] == "warning"
    assert "ALP 61 U/L (01 Sep 2025)" in card["detail"]
    assert "Red flags also occur in CNO" in card["detail"]


def test_the_most_pressing_of_several_red_flags_gives_the_summary(cards):
    record = facts(
        measured("platelets", "60", "10*9/L", date(2025, 9, 1), ("150", "450")),
        measured("ldh", "700", "U/L", date(2025, 9, 1), ("105", "305")),
        answers={"ldh-concern": None},
    )
    card = of_topic(cards(record), "red-flag")
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Low blood counts: consider leukaemia")
    assert card["summary"].endswith("1 more findings.")


def test_the_most_severe_card_comes_first_and_equals_follow_the_fixed_order(cards):
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    assert topics(cards(facts(*BLOOD))) == ["biopsy", "classification"]
    assert topics(cards(facts(*BLOOD, low))) == ["red-flag", "biopsy", "classification"]


def test_topics_beyond_the_number_of_cards_are_folded_into_the_last(cards):
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    built = cards(facts(*BLOOD, low), max_cards=1)
    assert topics(built) == ["red-flag"]
    bullets = [line for line in built[0]["detail"].split("\n") if line.startswith("- ")]
    assert bullets[-2].startswith("- Bone biopsy: Reasons for and against")
    assert bullets[-1].startswith("- Classification: ")


def test_a_topic_that_the_site_has_switched_off_is_neither_shown_nor_folded(cards):
    scope = replace(CHILD, topics=frozenset({TOPICS["classification"]}))
    built = cards(facts(*BLOOD), scope)
    assert topics(built) == ["classification"]
    assert "biopsy:" not in built[0]["detail"]


def test_a_finding_without_words_of_its_own_is_still_told(cards):
    result = evaluate(facts(*BLOOD), TODAY)
    card = of_topic(cards(replace(result, findings=(Finding("UTR-03", "info"),))), "next-steps")
    assert card["summary"] == "Rule UTR-03 fired. See the recommendations."


def test_every_card_ends_with_version_digest_and_day(cards):
    for card in cards(facts(*BLOOD)):
        assert re.search(r"\n\nRules \d+\.\d+\.\d+ · [0-9a-f]{8} · 15 Sep 2025$", card["detail"])


def test_the_extension_carries_its_topic_and_the_facts_it_used(cards):
    record = replace(facts(*BLOOD), notes=(Note("Observation/x", "unit-missing", "crp"),))
    for card in cards(record, extension_prefix="org.example.site"):
        result = card["extension"]["org.example.site.result"]
        topic = "biopsy" if card["source"]["topic"]["code"] == "CNObiopsy" else "classification"
        assert set(result) == {"evaluatedOn", "rules", "facts", "notes", topic}
        assert {"name": "crp"}.items() <= next(fact for fact in result["facts"] if fact["name"] == "crp").items()
        assert result["notes"][0]["detail"] == "The unit is missing."


def test_an_id_with_characters_that_fhir_does_not_allow_stays_out_of_the_extension(cards):
    odd = measured("crp", "6", "mg/L", date(2025, 9, 1), source="Observation/name_of_a_child")
    note = Note("Observation/name_of_a_child", "unit-missing", "crp")
    record = replace(facts(odd), notes=(note, Note("prefetch.lab_results.entry[3]", "not-a-resource")))
    told = str([card["extension"] for card in cards(record)])
    assert "name_of_a_child" not in told
    assert "prefetch.lab_results.entry[3]" in told
    assert "QuestionnaireResponse/q1#fever" in told


def test_an_order_with_such_an_id_stays_out_of_the_extension_too(cards):
    odd = tuple(replace(order(), source=f"MedicationRequest/of_a_child{n}") for n in (1, 2, 3))
    section = cards(infusion_facts(orders=odd), AT_ORDER)[0]["extension"]["example.cno-cds.result"]["infusion"]
    assert section["readiness"] == "ready"
    assert "order" not in section
    assert "alsoOrdered" not in section


def test_the_topic_is_a_coding_of_the_installation(cards):
    card = cards(facts(*BLOOD), canonical_base="https://cds.example.no")[0]
    assert card["source"]["topic"]["system"] == "https://cds.example.no/CodeSystem/card-topic"


# Readiness before zoledronic acid


def readiness(built):
    assert topics(built) == ["infusion"]
    return built[0]


def test_when_all_is_in_order_the_card_says_so_and_what_comes_in_addition(cards):
    card = readiness(cards(infusion_facts(), AT_ORDER))
    assert card["summary"] == "Zoledronic acid: the points of the recommendation are in order."
    assert card["indicator"] == "info"
    assert "Renal function, teeth and the product's own cautions are assessed in addition." in card["detail"]
    assert "vitamin D 72 nmol/L (08 Oct 2025)" in card["detail"]
    assert "safe" not in card["detail"]


def test_a_site_that_wants_no_card_when_all_is_in_order_gets_none(cards):
    quiet = replace(AT_ORDER, quiet_when_ready=True)
    assert cards(infusion_facts(), quiet) == []
    assert topics(cards(infusion_facts(without=("vitd25",)), quiet)) == ["infusion"]


def test_the_card_prints_the_numbers_for_this_child(cards):
    detail = readiness(cards(infusion_facts(orders=(order(volume=Decimal(100)),)), AT_ORDER, "nb"))["detail"]
    assert f"Gjelder 0,6{SPACE}mg (z1), planlagt 20.10.2025 (fra doseringen)" in detail
    assert f"Vekt 24{SPACE}kg (14.10.2025): anbefalt 0,6{SPACE}mg" in detail
    assert f"høyst 1,2{SPACE}mg" in detail
    assert f"= 240{SPACE}ml/time, ikke raskere enn 25{SPACE}min; preparatomtalens minstetid 15{SPACE}min" in detail
    assert f"Paracetamol 15{SPACE}mg/kg = 360{SPACE}mg før, ny dose 6 timer etter" in detail
    assert "Fritt kalsium 24 timer etter, og 48 timer etter hos fastlege" in detail


def test_amounts_are_rounded_down_never_up(cards):
    weight = measured("body_weight", "25.39", "kg", date(2025, 10, 14))
    detail = readiness(cards(infusion_facts(weight), AT_ORDER))["detail"]
    assert "recommended 0.63 mg" in detail
    assert "at most 1.26 mg" in detail
    assert "= 253.9 mL/h" in detail
    assert "= 380 mg before" in detail


@pytest.mark.parametrize(
    ("value", "shown"),
    [("38", "38"), ("50", "50"), ("49.96", "49.96"), ("49.99999999", "49.99999999")],
)
def test_vitamin_d_that_is_too_low_is_critical_and_printed_on_its_own_side_of_the_limit(cards, value, shown):
    card = readiness(cards(infusion_facts(measured("vitd25", value, "nmol/L", date(2025, 10, 8))), AT_ORDER))
    assert card["indicator"] == "critical"
    assert card["summary"] == f"Zoledronic acid: vitamin D {shown} nmol/L (must be >50)."
    assert f"- Vitamin D {shown} nmol/L (08 Oct 2025): must be above 50" in card["detail"]


def test_vitamin_d_known_only_to_be_under_some_number_is_printed_so(cards):
    under = measured("vitd25", Interval(Decimal(0), Decimal(25), high_open=True), "nmol/L", date(2025, 10, 8))
    assert "vitamin D <25 nmol/L (must be >50)" in readiness(cards(infusion_facts(under), AT_ORDER))["summary"]


def test_calcium_outside_its_range_names_the_end_it_crossed(cards):
    low = measured("calcium_free", "1.149", "mmol/L", date(2025, 10, 15), ("1.15", "1.33"))
    card = readiness(cards(infusion_facts(low), AT_ORDER))
    assert card["indicator"] == "critical"
    assert "ionised calcium 1.149 mmol/L (limit 1.15)" in card["summary"]


def test_calcium_flagged_outside_without_a_range_has_no_limit_to_print(cards):
    flagged = measured("calcium_total", "2.0", "mmol/L", date(2025, 10, 15), flag="low")
    card = readiness(cards(infusion_facts(flagged, without=("calcium_free",)), AT_ORDER))
    assert "total calcium 2 mmol/L outside its range" in card["summary"]
    assert "limit" not in card["summary"]


def test_a_dose_above_the_maximum_is_critical_and_not_told_twice(cards):
    card = readiness(cards(infusion_facts(orders=(order(dose=Dose(Decimal("1.201"), per_kg=False)),)), AT_ORDER))
    assert card["indicator"] == "critical"
    assert card["summary"] == "Zoledronic acid: dose 0.05004 mg/kg (at most 0.05)."
    assert card["detail"].count("0.05004") == 1


def test_what_is_missing_is_a_warning_and_named(cards):
    record = infusion_facts(without=("vitd25", "calcium_free", "body_weight"))
    card = readiness(cards(record, AT_ORDER))
    assert card["indicator"] == "warning"
    assert card["summary"] == "Zoledronic acid: vitamin D missing, calcium missing, weight missing."
    assert card["detail"].count("- Missing: vitamin D") == 1
    assert card["detail"].count("- Weight missing") == 1


def test_nothing_known_at_all_still_gives_a_card(cards):
    bare = Facts(orders=(Order("drug:zoledronic_acid", "context.draftOrders.entry[0]"),))
    card = readiness(cards(bare, replace(AT_ORDER, age_group="unknown")))
    assert card["indicator"] == "warning"
    assert "Concerns zoledronic acid, planned 15 Sep 2025 (today, infusion day not given)" in card["detail"]
    assert "suggestions" not in card


def test_a_dose_too_soon_tells_the_earliest_day(cards):
    given = Drug(
        "drug:zoledronic_acid", "administration", "completed", "MedicationAdministration/m", When.on(date(2025, 5, 5))
    )
    card = readiness(cards(infusion_facts(drugs=(given,)), AT_ORDER))
    assert card["indicator"] == "warning"
    assert "earliest 05 Nov 2025 after the last dose" in card["summary"]


def test_a_child_under_two_is_critical(cards):
    card = readiness(cards(replace(infusion_facts(), born=When.on(date(2023, 12, 1)), form=None), AT_ORDER))
    assert card["indicator"] == "critical"
    assert "under 2 years on the day of infusion" in card["summary"]


def test_a_low_alp_is_named_even_when_every_check_is_in_order(cards):
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    card = readiness(cards(infusion_facts(low), AT_ORDER))
    assert card["indicator"] == "warning"
    assert card["summary"] == "Zoledronic acid: low ALP."
    assert "ALP 61 U/L (01 Sep 2025)" in card["detail"]
    assert "are in order. Renal" not in card["detail"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", "Ingen CNO-diagnose funnet; grensene gjelder CNO hos barn."),
        ("nn", "Ingen CNO-diagnose funnen; grensene gjeld CNO hos barn."),
        ("en", "No CNO diagnosis found; the limits are those for CNO in children."),
    ],
)
def test_a_child_without_any_sign_of_cno_gets_at_most_a_warning_that_begins_so(cards, language, words):
    low = measured("vitd25", "20", "nmol/L", date(2025, 10, 8))
    card = readiness(cards(replace(infusion_facts(low), form=None), STRANGER, language))
    assert card["indicator"] == "warning"
    assert card["summary"].startswith(words)
    assert card["detail"].startswith(words)
    assert "20" in card["summary"]


def test_other_orders_are_named_beside_the_one_that_is_judged(cards):
    second = replace(order(), source="MedicationRequest/z2", dose=Dose(Decimal(2), per_kg=False))
    detail = readiness(cards(infusion_facts(orders=(order(), second)), AT_ORDER))["detail"]
    assert "Concerns 2 mg (z2)" in detail
    assert "Also ordered: zoledronic acid × 1 (z1), each checked on its own" in detail


@pytest.mark.parametrize(
    "source", ["MedicationRequest/under_score", f"MedicationRequest/{'x' * 21}", "context.draftOrders.entry[0]"]
)
def test_an_id_that_is_not_short_and_plain_is_not_printed(cards, source):
    detail = readiness(cards(infusion_facts(orders=(replace(order(), source=source),)), AT_ORDER))["detail"]
    assert "Concerns 0.6 mg, planned" in detail


def test_paracetamol_is_suggested_with_the_dose_in_words_too(cards):
    card = readiness(cards(infusion_facts(orders=(order(),)), AT_ORDER))
    suggestion = next(one for one in card["suggestions"] if "paracetamol" in one["label"])
    assert suggestion["label"] == "Order paracetamol 360 mg"
    action = suggestion["actions"][0]
    assert action["description"].startswith("Order paracetamol 360 mg (15 mg/kg) before zoledronic acid")
    assert (action["resource"]["status"], action["resource"]["intent"]) == ("draft", "order")
    assert "360" in str(action["resource"]["dosageInstruction"])


def test_above_the_largest_single_dose_paracetamol_stands_as_text_alone(cards):
    heavy = measured("body_weight", "80", "kg", date(2025, 10, 14))
    card = readiness(cards(infusion_facts(heavy, orders=(order(),)), AT_ORDER))
    assert "= 1200 mg; the usual largest single dose is 1000 mg (outside the guideline)" in card["detail"]
    assert not [one for one in card["suggestions"] if "paracetamol" in one["label"]]


def test_an_allergy_to_paracetamol_is_told_and_nothing_is_suggested(cards):
    record = replace(infusion_facts(orders=(order(),)), allergies=frozenset({"drug:paracetamol"}))
    card = readiness(cards(record, AT_ORDER))
    assert "allergy or intolerance recorded, not suggested" in card["detail"]
    assert "15 mg/kg" not in card["detail"]
    assert not [one for one in card["suggestions"] if "paracetamol" in one["label"]]


def test_controls_of_free_calcium_are_suggested_for_the_days_after_the_planned_one(cards):
    card = readiness(cards(infusion_facts(), AT_ORDER))
    due = {one["label"]: one["actions"][0]["resource"]["occurrenceDateTime"] for one in card["suggestions"]}
    assert due == {
        "Order ionised calcium 24 hours after": "2025-10-21",
        "Order ionised calcium 48 hours after, at the GP": "2025-10-22",
    }
    assert card["selectionBehavior"] == "any"
    assert len({one["uuid"] for one in card["suggestions"]} | {card["uuid"]}) == 3


def test_missing_blood_tests_are_suggested_inside_their_windows(cards):
    record = infusion_facts(without=("vitd25", "calcium_free"))
    by_label = {one["label"]: one["actions"][0] for one in readiness(cards(record, AT_ORDER))["suggestions"]}
    assert "taken 06 Oct 2025–10 Oct 2025" in by_label["Order 25-OH vitamin D"]["description"]
    assert by_label["Order 25-OH vitamin D"]["resource"]["occurrenceDateTime"] == "2025-10-06"
    assert "taken 06 Oct 2025–20 Oct 2025" in by_label["Order calcium"]["description"]


def test_no_blood_test_is_suggested_for_a_day_that_has_passed(cards):
    soon = replace(order(), planned=Planned(When.on(date(2025, 9, 18)), "timing"))
    by_label = {
        one["label"]: one["actions"][0]["description"]
        for one in readiness(cards(infusion_facts(without=("vitd25",), orders=(soon,)), AT_ORDER))["suggestions"]
    }
    assert "taken 15 Sep 2025, before" in by_label["Order 25-OH vitamin D"]


def test_nothing_is_suggested_for_a_patient_whose_id_is_none(cards):
    assert "suggestions" not in readiness(cards(replace(infusion_facts(), patient_id="a b"), AT_ORDER))


def test_notes_on_what_the_readiness_does_not_read_stay_off_its_card(cards):
    notes = (Note("Observation/a", "unit-missing", "crp"), Note("Observation/b", "unit-missing", "vitd25"))
    card = readiness(cards(replace(infusion_facts(), notes=notes), AT_ORDER))
    assert "- Could not be read: vitamin D\n" in card["detail"]
    assert [note["concept"] for note in card["extension"]["example.cno-cds.result"]["notes"]] == ["vitd25"]


def test_the_readiness_card_is_never_folded(cards):
    biopsy = Finding("BIO-20", "warning")
    result = evaluate(infusion_facts(), TODAY)
    built = cards(replace(result, findings=(biopsy, *result.findings)), AT_ORDER, max_cards=1)
    assert topics(built) == ["infusion"]
    assert "- Bone biopsy: Bone biopsy: order both histology and culture with PCR." in built[0]["detail"]


def test_an_adult_who_is_owed_no_readiness_card_gets_none_beside_another_order(cards):
    scope = Scope("order-sign", suspicion=True, age_group="adult", readiness_due=False)
    assert cards(infusion_facts(), scope) == []


# Other orders


def test_an_order_whose_drug_cannot_be_read_is_told_in_a_child_with_suspicion(cards):
    record = facts(orders=(Order("order:unreadable", "MedicationRequest/x"),))
    built = cards(record, AT_ORDER)
    assert topics(built) == ["treatment-order"]
    assert built[0]["indicator"] == "info"
    assert "not checked" in built[0]["summary"]
    assert cards(record, STRANGER) == []


def test_another_bisphosphonate_is_told_once_there_is_suspicion(cards):
    record = facts(orders=(Order("drug:pamidronate", "MedicationRequest/x"),))
    assert topics(cards(record, AT_ORDER)) == ["treatment-order"]
    assert cards(record, STRANGER) == []


def test_red_flags_stay_off_the_order_hooks(cards):
    few = measured("platelets", "60", "10*9/L", date(2025, 9, 1), ("150", "450"))
    assert topics(cards(infusion_facts(few), AT_ORDER)) == ["infusion"]
