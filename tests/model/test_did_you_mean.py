"""Hints with the nearest known word, for policies, comments and the command line."""

from __future__ import annotations

import pytest

from checker.model.text_values import did_you_mean, nearest_word

KNOWN = ("fail_on", "stage-detached", "openmetrics", "TRUST_WINDOW")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("fail-on", "did you mean 'fail_on'?"),
        ("STAGE-DETATCHED", "did you mean 'stage-detached'?"),
        ("trust_windo", "did you mean 'TRUST_WINDOW'?"),
        ("open", "did you mean 'openmetrics'?"),
        ("openmetrics_of_the_whole_team", "did you mean 'openmetrics'?"),
        ("op", "known: fail_on, stage-detached, openmetrics, TRUST_WINDOW"),
        ("zebra", "known: fail_on, stage-detached, openmetrics, TRUST_WINDOW"),
    ],
)
def test_the_nearest_known_word_is_named(word, hint):
    """The hint names the nearest word, whatever its case and hyphens, or lists all known words."""
    assert did_you_mean(word, KNOWN) == hint


def test_a_caller_decides_how_near_a_word_must_be():
    """The caller sets the cutoff for a near word."""
    assert nearest_word("zebra", KNOWN) is None
    assert nearest_word("fail_off", KNOWN, cutoff=0.9) is None
    assert nearest_word("fail_off", KNOWN, cutoff=0.7) == "fail_on"
