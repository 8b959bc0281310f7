import pytest

from cds_service.guideline.evaluation import evaluate
from tests.guideline.expectation import complaints
from tests.guideline.vignette import load

VIGNETTES = load()


@pytest.mark.parametrize("name", VIGNETTES)
def test_the_guideline_says_of_each_vignette_what_the_clinician_expects(name):
    assert list(complaints(VIGNETTES[name])) == []


def test_every_vignette_expects_something():
    assert [vignette.name for vignette in VIGNETTES.values() if not vignette.expect] == []


@pytest.mark.parametrize("name", VIGNETTES)
def test_the_same_facts_give_the_same_evaluation_again(name):
    one = VIGNETTES[name]
    assert evaluate(one.facts, one.today) == evaluate(one.facts, one.today)
