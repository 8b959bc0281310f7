"""F13: one bad resource among two hundred costs itself and a note; the card is otherwise that without the entry."""

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"
CHILD = "girl-9-multifocal-symmetric"
PLACES = 200
NPU, UCUM = "http://npu-terminology.org", "http://unitsofmeasure.org"
LIPASE = {"coding": [{"system": "http://loinc.org", "code": "3040-3"}]}
BAD = {
    "null": None,
    "a string": "<html>",
    "a number": 7,
    "a list": [],
    "no type": {"id": "x"},
    "an unknown type": {"resourceType": "Obs", "id": "x"},
    "an older type": {"resourceType": "DiagnosticOrder", "id": "x"},
    "a code that is text": {"resourceType": "Observation", "id": "x", "status": "final", "code": "CRP"},
    "a subject that is a number": {"resourceType": "Observation", "id": "x", "status": "final", "subject": 7},
    "an unreadable value": {
        "resourceType": "Observation", "id": "x", "status": "final", "subject": {"reference": f"Patient/{CHILD}"},
        "code": {"coding": [{"system": NPU, "code": "NPU19748"}]}, "effectiveDateTime": "2025-09-01",
        "valueQuantity": {"value": "fourteen", "unit": "mg/L"},
    },
    "a value under a unit of another kind": {
        "resourceType": "Observation", "id": "x", "status": "final", "subject": {"reference": f"Patient/{CHILD}"},
        "code": {"coding": [{"system": NPU, "code": "NPU19748"}]}, "effectiveDateTime": "2025-09-01",
        "valueQuantity": {"value": 400, "system": UCUM, "code": "mm[Hg]"},
    },
}  # fmt: skip


def sound():
    """The sample's request, and its laboratory results followed by results that no rule asks for: 199 in all."""
    request = json.loads((SAMPLES / CHILD / "request.json").read_text("utf-8"))
    labs = request["prefetch"]["labs"]["entry"]
    other = {**labs[0]["resource"], "code": LIPASE}
    labs += [{"resource": {**other, "id": f"l{number}"}} for number in range(PLACES - 1 - len(labs))]
    return request, labs


def told(client, request):
    """What the cards say, but for the line on what could not be read; and their notes."""
    response = client.post("/cds-services/cno-patient-view", json=request, headers={"Accept-Language": "en"})
    cards = response.json()["cards"]
    kept = [
        (
            card["summary"], card["indicator"], [each["label"] for each in card.get("suggestions", [])],
            [line for line in card["detail"].splitlines() if not line.startswith("- Could not be read")],
        )
        for card in cards
    ]  # fmt: skip
    results = [card["extension"]["example.cno-cds.result"] for card in cards]
    sections = [{name: value for name, value in result.items() if name != "notes"} for result in results]
    return kept, sections, {note["source"] for result in results for note in result.get("notes", [])}


@pytest.mark.parametrize("bad", BAD)
def test_at_each_of_two_hundred_places_the_card_is_that_without_the_entry_plus_the_note(bad, client):
    request, labs = sound()
    *without, before = told(client, request)
    for place in range(PLACES):
        request["prefetch"]["labs"]["entry"] = [*labs[:place], {"resource": BAD[bad]}, *labs[place:]]
        *with_it, noted = told(client, request)
        assert with_it == without, place
        assert len(noted - before) == 1, place


@pytest.mark.parametrize("kind", ["conditions", "medicationAdministrations", "medicationRequests", "assessment"])
def test_an_entry_that_does_not_say_what_it_is_was_one_of_its_list(kind, client):
    """What it may have told stays open: a diagnosis, a dose, a newer form."""
    request = json.loads((SAMPLES / "girl-7-zoledronic-acid-ready" / "request.json").read_text("utf-8"))
    request["prefetch"][kind].setdefault("entry", []).append({"resource": None})
    response = client.post("/cds-services/cno-order-sign", json=request, headers={"Accept-Language": "en"})
    (card, *_) = response.json()["cards"]
    notes = card["extension"]["example.cno-cds.result"].get("notes", [])
    assert [note["reason"] for note in notes if note["source"].startswith(f"prefetch.{kind}")] == ["not-a-resource"]
    assert "Not received" not in card["detail"]


@pytest.mark.parametrize("text", ["Hemolyse\0\0", "\x01", "\x1b[31m", "\u202e", "\ufffe", "\x7f\x85"], ids=ascii)
def test_characters_that_fhir_forbids_in_a_comment_cost_no_card(text, client):
    request, labs = sound()
    expected = told(client, request)
    for entry in labs:
        entry["resource"]["note"] = [{"text": text}]
    assert told(client, request) == expected


def test_a_unit_padded_with_characters_that_fhir_forbids_is_noted(client):
    request, labs = sound()
    labs[0]["resource"]["valueQuantity"] |= {"unit": "g/dL\0\0", "code": "g/dL\0\0"}
    _, _, notes = told(client, request)
    assert f"Observation/{labs[0]['resource']['id']}" in notes
