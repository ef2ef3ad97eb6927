"""Sentences that a person reads must not say more than the certificate does."""

import dataclasses

import pytest

from misure_onnx.certificate_in_words import certificate_in_words
from misure_onnx.records import Certificate, Minimality, Stability

GOOD = Certificate(
    tau=0.9,
    dice=0.95,
    baselines={"zero": 0.95, "mean": 0.94},
    minimal_at_block_px=8,
    verified_on="CPUExecutionProvider",
    required=("zero",),
    passed=True,
    held_out={"noise": 0.93},
    minimality=Minimality(8, 30, 30, 0),
    necessity=0.1,
    silhouette=0.2,
    stability=Stability(0.92, 0.91, 0.95, 0.6, 0.2),
    forwards=15,
)


def findings(**changed: object) -> dict[str, bool | None]:
    made = dataclasses.replace(GOOD, **changed)  # type: ignore[arg-type]
    return {finding.text: finding.good for finding in certificate_in_words(made)[2]}


def the_one(found: dict[str, bool | None], word: str) -> bool | None:
    (matching,) = [good for text, good in found.items() if word in text]
    return matching


def test_nothing_speaks_against_a_region_that_holds() -> None:
    assert False not in findings().values()


@pytest.mark.parametrize(
    ("word", "changed"),
    [
        ("Not enough for the model", {"passed": False}),
        ("Not enough under mean", {"baselines": {"zero": 0.95, "mean": 0.9}}),
        ("Not minimal", {"minimality": Minimality(8, 30, 3, 1)}),
        ("found without it", {"necessity": 0.97}),
        ("shape gives the answer away", {"silhouette": 0.97}),
        ("small changes", {"stability": Stability(0.4, None, 0.95, None, None)}),
    ],
)
def test_what_fails_is_said(word: str, changed: dict[str, object]) -> None:
    assert the_one(findings(**changed), word) is False


def test_blocks_that_were_not_all_tried_are_not_called_minimal() -> None:
    assert the_one(findings(minimality=Minimality(8, 30, 12, 0)), "12 of 30 blocks tried") is None


def test_a_region_made_for_every_baseline_says_so() -> None:
    found = findings(required=("zero", "mean"))
    assert the_one(found, "every baseline") is True


def test_bars_are_the_baselines_and_the_other_draws() -> None:
    bars, tau, _ = certificate_in_words(GOOD)
    assert tau == 0.9
    assert [(bar.name, bar.dice, bar.required) for bar in bars] == [
        ("zero", 0.95, True),
        ("mean", 0.94, False),
        ("noise, other draw", 0.93, False),
    ]


def test_a_method_without_an_aim_claims_nothing() -> None:
    found = findings(tau=None, passed=None, minimality=None)
    assert the_one(found, "does not aim") is None
    assert not any("nough for" in text for text in found)
