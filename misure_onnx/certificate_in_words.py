"""What a certificate says, in sentences for a person."""

from misure_onnx.records import Certificate
from misure_onnx.rendering.certificate_strip import Bar, Finding

_ESSENTIAL = 0.5
"""Without the region the Dice falls below this: the model cannot do without it."""


def certificate_in_words(certificate: Certificate) -> tuple[list[Bar], float | None, list[Finding]]:
    """Bars, tau and findings, as `draw_strip` takes them."""
    bars = [Bar(name, dice, name in certificate.required) for name, dice in certificate.baselines.items()]
    bars += [Bar(f"{name}, other draw", dice, required=False) for name, dice in certificate.held_out.items()]
    findings = [
        *_sufficiency(certificate),
        *_minimality(certificate),
        Finding(
            certificate.necessity < _ESSENTIAL,
            f"Region removed, the rest kept: Dice {certificate.necessity:.2f}"
            + (" (needed)" if certificate.necessity < _ESSENTIAL else " (the object is found without it)"),
        ),
        Finding(
            certificate.silhouette < _ESSENTIAL,
            f"Region filled with one colour: Dice {certificate.silhouette:.2f}"
            + (
                " (its content counts)" if certificate.silhouette < _ESSENTIAL else " (its shape gives the answer away)"
            ),
        ),
        *_stability(certificate),
    ]
    return bars, certificate.tau, findings


def _sufficiency(certificate: Certificate) -> list[Finding]:
    if certificate.tau is None:
        return [Finding(None, "This method does not aim at a Dice")]
    others = {n: d for n, d in certificate.baselines.items() if n not in certificate.required}
    failing = [name for name, dice in others.items() if dice <= certificate.tau]
    aim = "every baseline" if not others else " and ".join(certificate.required)
    word = "Enough" if certificate.passed else "Not enough"
    found = [Finding(certificate.passed, f"{word} for the model under {aim} (Dice above {certificate.tau:g} asked)")]
    if failing:
        found.append(Finding(False, f"Not enough under {', '.join(failing)}: true for one replacement, not in general"))
    elif others:
        found.append(Finding(True, "Enough under the other baselines too, though it was not made for them"))
    return found


def _minimality(certificate: Certificate) -> list[Finding]:
    checked = certificate.minimality
    if checked is None:
        return []
    if checked.removable:
        return [Finding(False, f"Not minimal: a block of {checked.block_px} px can be left out")]
    tried = f"{checked.checked} of {checked.blocks} blocks tried"
    return [Finding(checked.shown or None, f"No block of {checked.block_px} px can be left out ({tried})")]


def _stability(certificate: Certificate) -> list[Finding]:
    stability, tau = certificate.stability, certificate.tau
    parts = {
        "moved by 2 px": stability.shift_2px,
        "JPEG": stability.jpeg,
        "threshold \N{PLUS-MINUS SIGN}0.1": stability.threshold,
    }
    measured = {name: dice for name, dice in parts.items() if dice is not None}
    text = ", ".join(f"{name} {dice:.2f}" for name, dice in measured.items())
    good = None if tau is None else min(measured.values()) > tau
    found = [Finding(good, f"Dice after small changes: {text}")]
    if stability.second_run_overlap is not None and stability.second_run_by_chance is not None:
        found.append(
            Finding(
                None,
                f"A second run shares {stability.second_run_overlap:.0%} of the smaller region "
                f"({stability.second_run_by_chance:.0%} by chance)",
            )
        )
    return found
