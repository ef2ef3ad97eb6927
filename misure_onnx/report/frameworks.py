"""Which section of a report may serve which demand of regulations and standards.

Sources: Regulation (EU) 2024/1689 (AI Act), Articles 13 to 15 and Annex IV; NIST AI 100-1, AI RMF 1.0, MEASURE 2.9;
ISO/IEC TS 6254 (objectives and approaches for explainability and interpretability of ML models and AI systems), in
words of its subject: no clause of it is cited.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Support:
    """What a section may support: (anchor, title) of it, and the three columns."""

    section: str
    title: str
    ai_act: str
    nist: str
    iso: str


CAUTION = (
    "Evidence that may support an assessment. It is no statement of conformity and no legal advice: whether it is "
    "relevant and enough is for those to judge who answer for the system."
)
_NIST = "MEASURE 2.9: the model is explained, validated and documented"
SUPPORTS = (
    Support("subject", "What was audited", "Annex IV(1): versions of the system; IV(2)(d), (g): data",
            "MEASURE 2.9: documentation of the model", "identification of the system that is explained"),
    Support("how", "How", "Annex IV(2)(g): validation and testing procedures; Annex IV(3)", _NIST,
            "the approach to explanation, its properties and parameters"),
    Support("results", "Results", "Art. 13(3)(b): characteristics, capabilities and limitations; Art. 15(1) to (3): "
            "accuracy and its metrics; Annex IV(4)", _NIST, "properties of explanations, measured"),
    Support("cases", "Cases", "Art. 13(3)(b)(iv), (vii): information that explains output and helps to interpret it",
            "MEASURE 2.9: output is interpreted within its context", "local explanations, for people"),
    Support("sanity", "Sanity checks", "Art. 15(4): robustness; Annex IV(2)(g)", "MEASURE 2.9: validated explanations",
            "validity of explanations beside yardsticks"),
    Support("reliability", "Reliability", "Art. 14(4)(a), (b): limits and automation bias; Art. 15(1)",
            "MEASURE 2.9: output interpreted, to inform responsible use", "explanations for those who decide"),
    Support("failures", "Failures", "Art. 15(4): errors and faults; Annex IV(3)", "MEASURE 2.9: documentation",
            "where explanation is not available"),
    Support("limits", "Limits", "Art. 13(3)(b)(ii), (iii): circumstances that affect performance; Art. 14(4)(a)",
            "MEASURE 2.9: documentation", "limitations of the approach"),
    Support("environment", "Environment", "Annex IV(1)(c), (e): versions and hardware",
            "MEASURE 2.9: documentation", "reproducibility"),
)  # fmt: skip
