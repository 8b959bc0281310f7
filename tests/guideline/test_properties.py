"""What holds for every child, whoever writes down what in which order."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Facts, Form, Order
from cds_service.guideline.interval import Interval, Truth, all_of, any_of
from cds_service.guideline.tables import TABLES
from tests.guideline.children import TODAY, children
from tests.guideline.clinical_words import newest_first
from tests.guideline.vignette import FORM

WEIGHTS = (
    {0, 9, 11, 17}, {0, 17}, {0, 9, 16}, {0, 3, 7, 9}, {0, 5, 8, 9}, {0, 8}, {0, 8}, {0, 8}, {0, 8},
)  # fmt: skip
NAMES = (
    "bone_biopsy", "age_at_onset", "site", "distribution", "coexisting_conditions", "hemoglobin", "fever", "esr", "crp",
)  # fmt: skip
REFRAIN = [f"BIO-{number:02}" for number in range(3, 9)]
CONSIDER = ["BIO-02", *(f"BIO-{number}" for number in range(10, 20))]
CHECKS = ["ZOL-01", "ZOL-02", "ZOL-03", "ZOL-04", "ZOL-07", "ZOL-07a", "ZOL-08", "ZOL-09", "ZOL-10"]


def said(facts: Facts) -> tuple[object, ...]:
    """The evaluation without the facts behind it."""
    one = evaluate(facts, TODAY)
    decided = one.classification
    checks = one.infusion.checks if one.infusion else ()
    lists = (one.biopsy.consider, one.biopsy.refrain, one.biopsy.not_assessed)
    return (
        decided.verdict, decided.low, decided.high, decided.deciding,
        [(criterion.id, criterion.truth, criterion.met_on) for criterion in decided.entry_criteria],
        [(criterion.id, criterion.truth, criterion.reason) for criterion in decided.exclusion_criteria],
        [(domain.low, domain.high, domain.assumed) for domain in decided.domains],
        [[reason.id for reason in reasons] for reasons in lists],
        [(check.id, check.status, check.reason, check.value) for check in checks],
        [(finding.id, finding.indicator, finding.reason) for finding in one.findings],
        one.notes,
    )  # fmt: skip


@given(children())
def test_the_score_is_the_sum_of_nine_domains(facts):
    one = evaluate(facts, TODAY).classification
    assert [domain.id for domain in one.domains] == [f"CLS-3.{number}" for number in range(1, 10)]
    assert tuple(domain.name for domain in one.domains) == NAMES
    for domain, weights in zip(one.domains, WEIGHTS, strict=True):
        assert {domain.low, domain.high} <= weights
        assert domain.low <= domain.high
        assert domain.known == (domain.low == domain.high and not domain.assumed)
        assert not domain.assumed or (domain.name == "bone_biopsy" and domain.low == domain.high == 0)
    assert one.low == sum(domain.low for domain in one.domains)
    assert one.high == sum(domain.high for domain in one.domains)
    assert one.threshold == 55


@given(children())
def test_the_verdict_follows_from_entry_exclusion_and_score(facts):
    one = evaluate(facts, TODAY).classification
    entry = all_of(criterion.truth for criterion in one.entry_criteria)
    exclusion = any_of(criterion.truth for criterion in one.exclusion_criteria)
    assert (one.entry, one.exclusion) == (entry, exclusion)
    possible = one.high + (17 if one.domains[0].assumed else 0)
    if entry is Truth.NO:
        assert one.verdict == "not-applicable"
    elif exclusion is Truth.YES:
        assert one.verdict == "excluded"
    elif one.low >= 55:
        verified = entry is Truth.YES and exclusion is Truth.NO
        assert one.verdict == ("fulfilled" if verified else "provisionally-fulfilled")
    else:
        assert one.verdict == ("not-fulfilled" if possible < 55 else "undetermined")
    assert one.has_score == (one.verdict != "not-applicable")


@given(children())
def test_a_day_on_which_the_criterion_would_be_met_stands_only_beside_symptoms_too_short(facts):
    one = evaluate(facts, TODAY).classification
    assert [criterion.id for criterion in one.entry_criteria] == ["CLS-1.1", "CLS-1.2", "CLS-1.3"]
    assert [criterion.id for criterion in one.exclusion_criteria] == ["CLS-2.1", "CLS-2.2", "CLS-2.3", "CLS-2.4"]
    for criterion in one.entry_criteria:
        if criterion.met_on is not None:
            assert criterion.id == "CLS-1.1"
            assert criterion.truth is Truth.NO
            assert one.exclusion is not Truth.YES
            assert criterion.met_on > TODAY


@given(children())
def test_what_would_settle_an_open_score_is_asked_for_first(facts):
    one = evaluate(facts, TODAY).classification
    if one.verdict in ("excluded", "not-applicable"):
        assert one.deciding == ()
        return
    open_ones = {domain.name: domain for domain in one.domains if not domain.known}
    assert sorted(one.deciding) == sorted(open_ones)

    def settles(name):
        domain = open_ones[name]
        best = 17 if domain.assumed else domain.high
        return one.low - domain.low + best >= 55 or one.high - domain.high + domain.low < 55

    asked = [not settles(name) for name in one.deciding]
    assert asked == sorted(asked)


@given(children())
def test_every_biopsy_reason_stands_in_one_list_at_most_in_rule_order(facts):
    one = evaluate(facts, TODAY).biopsy
    consider, refrain = [reason.id for reason in one.consider], [reason.id for reason in one.refrain]
    left = [reason.id for reason in one.not_assessed]
    assert consider == [rule for rule in CONSIDER if rule in consider]
    assert refrain == [rule for rule in REFRAIN if rule in refrain]
    assert left == [rule for rule in (*REFRAIN, *CONSIDER) if rule in left]
    assert len({*consider, *refrain, *left}) == len(consider) + len(refrain) + len(left)
    assert "BIO-19" not in left


@given(children())
def test_readiness_follows_from_the_nine_checks(facts):
    one = evaluate(facts, TODAY).infusion
    if one is None:
        assert not any(order.concept == "drug:zoledronic_acid" for order in facts.orders)
        return
    assert [check.id for check in one.checks] == CHECKS
    for check in one.checks:
        assert (check.indicator == "critical") == (check.status == "breach")
        assert check.status != "ok" or check.indicator == "info"
        assert check.status != "attention" or check.indicator == "warning"
    if any(check.status == "breach" for check in one.checks):
        assert one.readiness == "not-ready"
    elif any(check.status in ("missing", "unreadable") and check.indicator == "warning" for check in one.checks):
        assert one.readiness == "incomplete"
    elif one.low_alp or any(check.status == "attention" for check in one.checks):
        assert one.readiness == "attention"
    else:
        assert one.readiness == "ready"


@given(children())
def test_notes_are_sorted_and_told_once(facts):
    notes = [(note.source, note.reason, note.concept or "") for note in evaluate(facts, TODAY).notes]
    assert notes == sorted(set(notes))


@given(children(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_does_not_matter(facts, random):
    def mixed(some):
        return tuple(random.sample(some, len(some)))

    def mixed_days(results):
        return newest_first(list(mixed(results)))

    measurements = {name: mixed_days(results) for name, results in facts.measurements.items()}
    form = facts.form and replace(facts.form, lesions=mixed(facts.form.lesions))
    other = replace(
        facts, measurements=measurements, conditions=mixed(facts.conditions), lesions=mixed(facts.lesions),
        studies=mixed(facts.studies), drugs=mixed(facts.drugs), orders=mixed(facts.orders), form=form,
    )  # fmt: skip
    assert said(other) == said(facts)


def test_of_two_orders_under_one_id_the_more_doubtful_is_judged_whichever_comes_first():
    plain = Order("drug:zoledronic_acid", "MedicationRequest/0")
    doubtful = replace(plain, rate_unreadable=True)
    judged = [evaluate(Facts(orders=orders), TODAY).infusion for orders in ((plain, doubtful), (doubtful, plain))]
    assert judged[0] == judged[1]
    assert next(check for check in judged[0].checks if check.id == "ZOL-10").status == "unreadable"


@given(children())
def test_a_fact_that_comes_twice_counts_once(facts):
    def twice(lesions):
        return (*lesions, *(lesion for lesion in lesions if lesion.bone and lesion.bone not in TABLES.bones.regions))

    measurements = {name: newest_first([*results, *results]) for name, results in facts.measurements.items()}
    form = facts.form and replace(facts.form, lesions=twice(facts.form.lesions))
    other = replace(
        facts, measurements=measurements, conditions=facts.conditions * 2, lesions=twice(facts.lesions),
        studies=facts.studies * 2, drugs=facts.drugs * 2, biopsies=facts.biopsies * 2, findings=facts.findings * 2,
        form=form,
    )  # fmt: skip
    assert said(other) == said(facts)


def shifted(facts: Facts, name: str, by: str) -> Facts:
    """All results of a kind higher, or lower, by so much."""

    def moved(end: Decimal | None) -> Decimal | None:
        return None if end is None else end + Decimal(by)

    def move(value: Interval) -> Interval:
        return Interval(moved(value.low), moved(value.high), value.low_open, value.high_open)

    results = tuple(one._replace(value=move(one.value)) for one in facts.of(name))
    return replace(facts, measurements={**facts.measurements, name: results})


BETTER = [("hemoglobin", "0.1"), ("hemoglobin", "3"), ("crp", "-1"), ("crp", "-40"), ("esr", "-1"), ("esr", "-30")]
WORSE = [("platelets", "-1", 1), ("platelets", "-60", 1), ("ldh", "1", 2), ("ldh", "300", 2)]


@pytest.mark.parametrize(("name", "better"), BETTER)
@given(facts=children())
def test_a_better_result_never_lowers_the_score(facts, name, better):
    before, after = (evaluate(one, TODAY).classification.domains[5:] for one in (facts, shifted(facts, name, better)))
    pinned = f"pinned-{name}" in facts.answers.dates
    settled = all(one.low == one.high for one in before)
    if pinned or settled:
        assert [one.low for one in after] >= [one.low for one in before]
        assert [one.high for one in after] >= [one.high for one in before]


@pytest.mark.parametrize(("name", "worse", "place"), WORSE)
@given(facts=children())
def test_fewer_platelets_and_a_higher_ld_never_take_an_exclusion_back(facts, name, worse, place):
    pair = (facts, shifted(facts, name, worse))
    before, after = (evaluate(one, TODAY).classification.exclusion_criteria[place].truth for one in pair)
    if before is Truth.YES:
        assert after is Truth.YES
    if before is Truth.UNKNOWN:
        assert after is not Truth.NO


@given(children())
def test_a_form_in_which_everything_is_unknown_is_as_good_as_none(facts):
    silent = replace(facts, form=Form(FORM, When.on(TODAY)))
    assert said(silent) == said(replace(facts, form=None))


@given(children(), st.integers(1, 400))
def test_undated_results_never_settle_anything(facts, days):
    undated = {name: tuple(one._replace(when=None) for one in results) for name, results in facts.measurements.items()}
    one = evaluate(replace(facts, measurements=undated), TODAY + timedelta(days=days)).classification
    for domain in (one.domains[5], one.domains[7], one.domains[8]):
        assert (domain.low, domain.high) == (0, 8)
    assert one.exclusion_criteria[1].truth is Truth.UNKNOWN
