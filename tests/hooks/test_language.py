import pytest

from cds_service.hooks.language import choose


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "nb"),
        ("", "nb"),
        ("no", "nb"),
        ("nb-NO,nb;q=0.9,no;q=0.8,en;q=0.7", "nb"),
        ("nn-NO", "nn"),
        ("NN-no", "nn"),
        ("en-GB, en;q=0.8", "en"),
        ("en;q=0.3, nn;q=0.9, nb;q=0.5", "nn"),
        ("de, fr;q=0.9, en;q=0.1", "en"),
        ("de, sv", "nb"),
        ("sv, *;q=0.5, en;q=0.1", "nb"),
        ("en;q=0", "nb"),
        ("en;q=0, nn;q=0.1", "nn"),
        ("en;q=abc, nn;q=0.2", "nn"),
        ("nn;q=7, en;q=1", "en"),
        (" nn ; q = 0.4 ", "nn"),
        (";;,,=", "nb"),
    ],
)
def test_the_best_match_of_the_header_is_taken(header, language):
    assert choose(None, header) == language


def test_between_equals_the_first_one_wins():
    assert choose(None, "nn, nb, en") == "nn"


@pytest.mark.parametrize(("setting", "language"), [("nb", "nb"), ("nn", "nn"), ("en", "en"), ("no", "nb")])
def test_the_setting_wins_over_the_header(setting, language):
    assert choose(setting, "nn;q=0.9, en") == language
