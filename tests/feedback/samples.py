"""Feedback as EHRs send it, and stores to put it into."""

import json
from contextlib import contextmanager

from cds_service.feedback.reading import read_feedback
from cds_service.feedback.store import FeedbackStore
from cds_service.operations.database import open_database

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
SUGGESTION = "e56e1945-20b3-4393-8503-a1a20fd73152"
MOMENT = "2025-09-15T08:00:00Z"
HL7 = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"


def accepted(**members):
    return {
        "card": CARD,
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": SUGGESTION}],
        "outcomeTimestamp": MOMENT,
        **members,
    }


def overridden(**members):
    return {"card": CARD, "outcome": "overridden", "outcomeTimestamp": MOMENT, **members}


def without(item, name):
    return {member: value for member, value in item.items() if member != name}


def body(*items):
    return json.dumps({"feedback": items}).encode()


def reading(*items, keep_comments=False):
    return read_feedback(body(*items), keep_comments=keep_comments)


@contextmanager
def open_store(url, **options):
    engine = open_database(url)
    store = FeedbackStore(engine, **options)
    try:
        yield store
    finally:
        store.close()
        engine.dispose()
