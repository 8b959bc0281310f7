"""Random evaluations, built from the result types themselves: whatever the rules say, the cards must hold."""

import json
import random
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files

from cds_service.guideline.dates import When
from cds_service.guideline.facts import (
    Coded,
    Condition,
    Dated,
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
from cds_service.guideline.infusion import readiness_of
from cds_service.guideline.interval import Interval, Truth, all_of, any_of
from cds_service.guideline.results import (
    Biopsy,
    Check,
    Classification,
    Criterion,
    Domain,
    Evaluation,
    Finding,
    Infusion,
    Reason,
)
from cds_service.hooks.card_draft import PLAN, Scope
from cds_service.hooks.wording import wording

SCHEMA = json.loads((files("cds_service") / "schemas" / "evaluation.schema.json").read_text("utf-8"))
REASONS = SCHEMA["properties"]["notes"]["items"]["properties"]["reason"]["enum"]
ORDER_HOOKS = ("order-select", "order-sign")
TODAY = date(2025, 9, 15)
UNITS = {
    "hemoglobin": "g/dL", "crp": "mg/L", "esr": "mm/h", "platelets": "10*9/L", "ldh": "U/L", "alp": "U/L",
    "vitd25": "nmol/L", "calcium_free": "mmol/L", "urate": "umol/L", "body_temperature": "Cel", "body_weight": "kg",
    "blasts": "10*9/L", "neutrophils": "10*9/L",
}  # fmt: skip
DOMAINS = {
    "bone_biopsy": (0, 9, 11, 17), "age_at_onset": (0, 17), "site": (0, 9, 16), "distribution": (0, 3, 7, 9),
    "coexisting_conditions": (0, 5, 8, 9), "hemoglobin": (0, 8), "fever": (0, 8), "esr": (0, 8), "crp": (0, 8),
}  # fmt: skip
CRITERION_REASONS = {
    "CLS-2.3": ("ldh", "ldh-answered", "ldh-raised", "ldh-judged", None),
    "CLS-2.2": ("platelets", None),
}
REASON_WORDS = {
    "BIO-10": ("blasts", None),
    "BIO-14": ("clavicle-alone", None),
    "BIO-19": ("sign", "suspected", "unanswered", "not-excluded"),
}
TESTS = ("hemoglobin", "alt+ast+ggt", "ana+rheumatoid_factor+anti_ccp+hlab27", "urine_dipstick")
PARTS = {"EXO-01": ("skin-joints-gut", "skin-joints"), **dict.fromkeys(PLAN["groups"]["missing-tests"], TESTS)}
WAITING = frozenset({"BEH-04", "BEH-06", "BEH-07", "BEH-08", "BEH-11", "BEH-12"})
"""Behind the drug gate."""


def finding_reasons():
    """Each rule that a card may tell of, with the reasons that there are words for."""
    found = {"KLN-02": {None}, **{rule: {None, *parts} for rule, parts in PARTS.items()}}
    for key in wording("nb").texts:
        section, rule, *rest = key.split(".")
        if section == "findings" and re.fullmatch(r"[A-Z]{3}-\d\d", rule):
            reasons = found.setdefault(rule, {None})
            if len(rest) > 1:
                reasons.add(rest[0])
            if rule in WAITING:
                reasons |= {"waiting", "waiting-low-alp"}
    return {rule: sorted(reasons, key=str) for rule, reasons in sorted(found.items())}


FINDINGS = finding_reasons()
CHECKS = ("ZOL-01", "ZOL-02", "ZOL-03", "ZOL-04", "ZOL-07", "ZOL-07a", "ZOL-08", "ZOL-09", "ZOL-10")
CANARY = "Ola Nordmann <b>12057012345</b>"
LABELS = tuple(key.removeprefix("labels.") for key in wording("nb").texts if key.startswith("labels."))
ANSWERS = (*LABELS, *(key.removeprefix("denials.") for key in wording("nb").texts if key.startswith("denials.")))
MIMICKERS = (None, None, None, "malignancy", "other", "answered", "hypophosphatasia")
BONES = tuple(
    key.removeprefix("bones.").removesuffix("n") + ("1" if key.endswith("n") else "")
    if key.endswith(("_n", "Cn", "Tn", "Ln"))
    else key.removeprefix("bones.")
    for key in wording("nb").texts
    if key.startswith("bones.")
)


class Maker:
    """Random parts of an evaluation."""

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311  the same children each time

    def chance(self, share=0.5):
        return self.random.random() < share

    def some(self, items, most):
        return tuple(self.random.choice(items) for _ in range(self.random.randint(0, most)))

    def day(self):
        return TODAY - timedelta(days=self.random.randint(-400, 4000))

    def when(self):
        first = self.day()
        return self.random.choice((
            None, When.on(first), When.on(first), When(first, first + timedelta(days=40)),
            When(first.replace(month=1, day=1), first.replace(month=12, day=31)),
            When(first.replace(month=3, day=1), first.replace(month=3, day=31)),
        ))  # fmt: skip

    def number(self):
        return self.random.choice((
            Decimal(self.random.randint(1, 900)), Decimal(self.random.randint(1, 10**9)) / 10**6,
            Decimal("49.9999999999"), Decimal("1E+25"), Decimal("1E-25"), Decimal(50), Decimal("0.05"), Decimal(1) / 3,
        ))  # fmt: skip

    def interval(self):
        low, high = sorted((self.number(), self.number()))
        return self.random.choice((
            Interval.exactly(low), Interval.exactly(low), Interval(low, high), Interval(low, None, low_open=True),
            Interval(Decimal(0), high, high_open=True), Interval(low, None), Interval(None, high),
        ))  # fmt: skip

    def measurement(self, name=None):
        name = name or self.random.choice(tuple(UNITS))
        low, high = sorted((self.number(), self.number()))
        reference = self.random.choice((None, Interval(low, high), Interval(None, high), Interval(low, None)))
        read_from = self.random.choice(("code", "code", "name"))
        return Measurement(
            name, self.interval(), UNITS[name], self.when(), f"Observation/o{self.random.randint(1, 9)}", reference,
            self.random.choice((None, None, "low", "normal", "high", "abnormal")), read_from,
        )  # fmt: skip

    def coded(self):
        name, _, value = self.random.choice(ANSWERS).partition("=")
        read_from = self.random.choice(("answer", "code", "text"))
        return Coded(name, value or True, "QuestionnaireResponse/q1", self.when(), read_from)

    def lesion(self):
        return Lesion(
            self.random.choice((*BONES, None)), "Observation/l",
            self.random.choice(("left", "right", "bilateral", "midline", None)),
            self.random.choice(("metaphysis", "diaphysis", "epiphysis", "other", None)),
            frozenset(self.some(("cortical-destruction", "rapid-growth", "vertebral-collapse", "lytic"), 2)),
        )  # fmt: skip

    def evidence(self):
        dated = Dated("symptom_onset", self.when() or When.on(TODAY), self.random.choice(("Condition/c", "QR/q#onset")))
        return self.some((self.measurement(), self.coded(), self.lesion(), self.coded(), dated), 6)

    def criterion(self, rule):
        truth = self.random.choice(tuple(Truth))
        exclusion = rule.startswith("CLS-2")
        level = self.random.choice(("info", "warning", "critical")) if exclusion else "info"
        if exclusion and truth is Truth.YES and level == "info":
            level = "warning"
        name = {"CLS-2.2": "platelets", "CLS-2.3": "ldh"}.get(rule)
        results = (self.measurement(name), self.measurement(name)) if name and self.chance() else ()
        others = () if self.chance(0.1) else self.evidence()
        evidence = (*results, *(fact for fact in others if not isinstance(fact, Measurement)))
        reason = self.random.choice(CRITERION_REASONS.get(rule, (None,)))
        return Criterion(rule, truth, evidence, reason, indicator=level)

    def domain(self, place, name):
        low, high = sorted(self.random.choices(DOMAINS[name], k=2))
        assumed = name == "bone_biopsy" and self.chance(0.3)
        if assumed:
            low = high = 0
        evidence = () if self.chance(0.1) else (*self.evidence(), *self.series(name))
        return Domain(f"CLS-3.{place}", name, low, high, assumed, evidence)

    def series(self, name):
        return tuple(self.measurement(name) for _ in range(self.random.randint(0, 3))) if name in UNITS else ()

    def classification(self):
        entry = tuple(self.criterion(f"CLS-1.{n}") for n in (1, 2, 3))
        exclusion = tuple(self.criterion(f"CLS-2.{n}") for n in (1, 2, 3, 4))
        settled = self.chance(0.6)
        if settled:
            entry = tuple(replace(one, truth=Truth.YES) for one in entry)
            exclusion = tuple(replace(one, truth=Truth.NO) for one in exclusion)
        met, present = all_of(one.truth for one in entry), any_of(one.truth for one in exclusion)
        if met is Truth.NO and present is not Truth.YES and self.chance():
            entry = (replace(entry[0], truth=Truth.NO, met_on=TODAY), *entry[1:])
        domains = tuple(self.domain(n, name) for n, name in enumerate(DOMAINS, 1))
        verdict = self.verdict(met, present)
        deciding = () if verdict in ("excluded", "not-applicable") else tuple(d.name for d in domains if not d.known)
        low, high = sum(d.low for d in domains), sum(d.high for d in domains)
        return Classification(verdict, low, high, 55, met, entry, present, exclusion, domains, deciding)

    def verdict(self, met, present):
        if met is Truth.NO:
            return "not-applicable"
        if present is Truth.YES:
            return "excluded"
        verified = met is Truth.YES and present is Truth.NO
        first = "fulfilled" if verified else "provisionally-fulfilled"
        return self.random.choice((first, "not-fulfilled", "undetermined"))

    def reason(self, rule):
        level = "critical" if rule == "BIO-10" and self.chance(0.2) else self.random.choice(("info", "warning"))
        evidence = (
            *self.evidence(),
            Coded("malignancy_suspected", "yes", "QuestionnaireResponse/q1", read_from="answer"),
        )
        return Reason(rule, Truth.YES, evidence, level, self.random.choice(REASON_WORDS.get(rule, (None,))))

    def biopsy(self):
        lists = {"consider": [], "refrain": [], "not_assessed": []}
        for number in (*range(2, 9), *range(10, 20)):
            place = self.random.choice(("refrain" if 3 <= number <= 8 else "consider", "not_assessed", None, None))
            if place:
                lists[place].append(self.reason(f"BIO-{number:02}"))
        return Biopsy(*(tuple(lists[name]) for name in ("consider", "refrain", "not_assessed")))

    def check(self, rule):
        status = self.random.choice(("ok", "ok", "attention", "breach", "missing", "unreadable"))
        level = {"ok": "info", "breach": "critical"}.get(status, "warning")
        if rule in ("ZOL-04", "ZOL-10") and status == "missing":
            level = "info"
        start = f"checks.{rule}.{status}."
        known = [key.split(".")[3] for key in wording("nb").texts if key.startswith(start) and key.count(".") == 4]
        shared = ("dose", "dose-ambiguous", "weight") if status in ("missing", "unreadable") else ()
        words = ("some-new-reason", *known, *shared) if status != "missing" or level != "info" else shared
        reason = self.random.choice((None, *words))
        unit = {"ZOL-07": "mg/kg", "ZOL-08": "mg/kg", "ZOL-10": "mL/kg/h"}.get(rule, "nmol/L")
        name = {"ZOL-03": "calcium_free", "ZOL-07": "body_weight"}.get(rule, "vitd25")
        return Check(
            rule, status, level, reason, self.number() if self.chance() else None,
            self.random.choice((None, Decimal(50), Decimal("0.05"))), unit, self.day() if self.chance() else None,
            (self.measurement(name),) if self.chance(0.7) else (), self.amounts(rule, reason), self.when(),
        )  # fmt: skip

    def amounts(self, rule, reason):
        """The ordered dose or rate and some that differ from it."""
        if reason not in {"doses-differ", "rates-differ"}:
            return ()
        kind = Dose if rule == "ZOL-07" else Rate
        return tuple(kind(self.number(), self.chance()) for _ in range(self.random.choice((2, 4))))

    def infusion(self):
        checks = tuple(self.check(rule) for rule in CHECKS)
        if self.chance(0.2):
            checks = tuple(Check(rule, "ok", "info", None) for rule in CHECKS)
            if self.chance():
                untold = {rule: Check(rule, "missing", "info") for rule in ("ZOL-04", "ZOL-10")}
                checks = tuple(untold.get(check.id, check) for check in checks)
        low_alp, mimicker = self.chance(0.2), self.random.choice(MIMICKERS)
        readiness = readiness_of(checks)
        if readiness == "ready" and (low_alp or mimicker):
            readiness = "attention"
        kg = Decimal(self.random.randint(20, 1500)) / 10 if self.chance(0.7) else None
        planned = Planned(
            self.when() or When.on(TODAY),
            self.random.choice(("timing", "occurrence", "appointment", "authored-on", "today")),
        )
        return Infusion(
            self.random.choice(("MedicationRequest/z1", "context.draftOrders.entry[0]", f"Medication/{'x' * 99}")),
            self.some(("MedicationRequest/z2", f"MedicationRequest/{'y' * 99}"), 3),
            planned, readiness, checks, kg, self.number() if self.chance() else None,
            kg and kg * Decimal("0.025"), kg and kg * Decimal("0.05"), kg and kg * 10,
            self.random.choice((None, 15, 40)) if kg else None, kg and kg * 15, self.chance(), low_alp, mimicker,
        )  # fmt: skip

    def facts(self, notes):
        kinds = [key for key in LABELS if key[0].isupper()]
        after = self.measurement("crp")._replace(when=When.on(TODAY))
        hypophosphatasia = Condition("mimic_hypophosphatasia_possible", "Condition/h")
        orders = tuple(
            Order(concept, "MedicationRequest/u")
            for concept in ("order:unreadable", "drug:paracetamol", "drug:nsaid", "drug:methotrexate", "img:ct")
        )
        return Facts(
            patient_id=self.random.choice((None, "p1", "a.b-C", CANARY)),
            born=self.random.choice((None, When.on(date(2015, 4, 10)), When(date(2014, 1, 1), date(2014, 12, 31)))),
            measurements={"crp": (after,)} if self.chance() else {},
            conditions=self.some(
                (Condition("cno", "Condition/cno", recorded=When.on(date(2025, 1, 1))), hypophosphatasia), 2
            ),
            drugs=(Drug("drug:paracetamol", "statement", "active", "MedicationStatement/p"),)
            if self.chance(0.2)
            else (),
            orders=self.some(orders, 3),
            form=self.form() if self.chance() else None,
            not_received=frozenset((*self.some(kinds, 4), *(("Condition",) if self.chance(0.2) else ()))),
            notes=notes,
        )

    def form(self):
        choices = {
            "mimicker": frozenset({"excluded"}), "red-flag": frozenset({"none"}), "ldh-concern": frozenset({"no"}),
        }  # fmt: skip
        kept = {link: codes for link, codes in choices.items() if self.chance()}
        return Form("QuestionnaireResponse/q1", self.when(), kept)

    def finding(self):
        rule = self.random.choice(tuple(FINDINGS))
        level = self.random.choice(("info", "warning", "critical"))
        about = self.random.choice(("chart", "order", "both"))
        infused = Coded("drug:zoledronic_acid", "completed", "MedicationAdministration/z", When.on(TODAY))
        evidence = (*self.evidence(), *([infused] if rule.startswith("ZOL") else []))
        return Finding(rule, level, evidence, self.random.choice(FINDINGS[rule]), about)

    def evaluation(self):
        notes = tuple(
            Note(f"Observation/n{n}", reason, self.random.choice((*LABELS, None, "no_such_concept")))
            for n, reason in enumerate(self.some(REASONS, 8))
        )
        notes += (Note("MedicationRequest/f", "foreign-patient", "drug:zoledronic_acid"),) if self.chance(0.1) else ()
        notes += (Note("MedicationRequest/z1", "coding-contradiction", "order:unreadable"),) if self.chance(0.1) else ()
        facts = self.facts(notes)
        infusion = self.infusion() if self.chance(0.6) else None
        found = {finding.id: finding for finding in (self.finding() for _ in range(self.random.randint(0, 6)))}
        findings = tuple(found.values())
        suspected = self.evidence() if self.chance(0.3) else ()
        return Evaluation(TODAY, facts, self.classification(), self.biopsy(), infusion, findings, notes, suspected)

    def scope(self):
        return Scope(
            self.random.choice(("patient-view", "patient-view", *ORDER_HOOKS)), self.chance(0.7),
            self.random.choice(("child", "child", "adult", "unknown")), quiet_when_ready=self.chance(0.1),
        )  # fmt: skip
