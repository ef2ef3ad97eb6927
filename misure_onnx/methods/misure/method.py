"""The two stages together."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from misure_onnx.gradients import mask_gradient
from misure_onnx.gradients.base import MaskGradient, MaskProblem, PreservationLoss
from misure_onnx.methods.base import Attribution, Method, SufficientRegionFacts, Task, require
from misure_onnx.methods.misure.area_sweep import Sweep
from misure_onnx.methods.misure.constrained import Search, Wanted, search_minimal_region, wanted_of
from misure_onnx.methods.misure.minimal_region import Schedule, optimise_mask
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.perturbation import BASELINES, make_baseline


@dataclass(frozen=True)
class MiSuRe(Method):
    """Minimally sufficient region: grow until the model finds the object again, then prune.

    The defaults are the preset `smooth`. With `constrained`, stage 2 looks for the smallest binary mask with
    Dice > tau (`area_sweep.py`); without, it is eq. 1 to the letter, and only then the parameters from
    `learning_rate` to `clamp_below` play a part.

    Attributes:
        tau: Dice that the region must exceed, in both stages.
        baseline: what replaces removed pixels (the paper: zero, in the network's input space).
        robust: look for a region that exceeds tau under every baseline, not under `baseline` alone.
        loss: data term of eq. 1: `dice`, or `cross_entropy` (footnote 4).
        alpha_target, alpha_background: weights of the object's and the background's term (2 and 1).
        background: `complement` (1 - the object's probability) or `declared` (class 0 where the model
            declares it as background, as eq. 1 has it; else the complement).
        mask_size: the mask is a grid of mask_size x mask_size values.
        smoothing: how coarse the region is, as a share of the object's side (the square root of its area): standard
            deviation of the Gaussian that its pixels' scores are smoothed with.
        iterations: at most so many masks are evaluated.
        patience: stop after so many masks without a smaller one; 0: never.
        block_checks: regions asked about at most, to leave blocks out until none can go; 0: none.
        second_run: masks of a second search from random scores, whose overlap is reported; 0: none.
        alternatives: so many further minimal regions that avoid those before.
        constrained: keep the smallest *binary* mask that passes tau instead of the last soft one.
        learning_rate, weight_decay, adam_epsilon: of AdamW.
        area_weight: lambda.
        smoothness_weight, smoothness_exponent: gamma and beta of the total variation.
        clamp_below: values below become 0 after every step (the paper: 0.2, absorbing in practice).
        route: where the gradient comes from (see `misure methods`).
    """

    name: ClassVar[str] = "misure"
    summary: ClassVar[str] = "the smallest region that is enough for the model (MiSuRe, both stages)"
    needs_gradient: ClassVar[bool] = True
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smooth": {
            "constrained": True, "robust": False, "smoothing": 0.025, "mask_size": 224, "iterations": 100,
            "patience": 0, "block_checks": 100, "second_run": 20, "background": "complement",
        },
        "minimal": {
            "constrained": True, "robust": False, "smoothing": 0.0, "mask_size": 224, "iterations": 100,
            "patience": 0, "block_checks": 100, "second_run": 20, "background": "complement",
        },
        "robust": {
            "constrained": True, "robust": True, "smoothing": 0.01, "mask_size": 224, "iterations": 100,
            "patience": 0, "block_checks": 100, "second_run": 20, "background": "complement",
        },
        "paper": {
            "constrained": False, "robust": False, "mask_size": 224, "iterations": 100, "learning_rate": 0.1,
            "weight_decay": 0.01, "adam_epsilon": 1e-8, "area_weight": 0.01, "smoothness_weight": 0.0,
            "smoothness_exponent": 3.0, "clamp_below": 0.2, "background": "declared",
        },
    }  # fmt: skip
    DEFAULT_PRESET: ClassVar[str] = "smooth"

    tau: float = 0.9
    baseline: str = "zero"
    robust: bool = False
    loss: Literal["dice", "cross_entropy"] = "dice"
    alpha_target: float = 2.0
    alpha_background: float = 1.0
    background: Literal["complement", "declared"] = "complement"
    mask_size: int = 224
    smoothing: float = 0.025
    iterations: int = 100
    patience: int = 0
    block_checks: int = 100
    second_run: int = 20
    alternatives: int = 0
    constrained: bool = True
    learning_rate: float = 0.1
    weight_decay: float = 0.01
    adam_epsilon: float = 1e-8
    area_weight: float = 0.01
    smoothness_weight: float = 0.0
    smoothness_exponent: float = 3.0
    clamp_below: float = 0.2
    route: str = "auto"

    def __post_init__(self) -> None:
        require(0 <= self.tau < 1, f"tau must lie in [0, 1), got {self.tau}")
        require(self.loss in ("dice", "cross_entropy"), f"loss must be dice or cross_entropy, got {self.loss!r}")
        require(
            self.background in ("complement", "declared"),
            f"background must be complement or declared, got {self.background!r}",
        )
        require(self.mask_size >= 2, f"mask_size must be at least 2, got {self.mask_size}")
        require(self.smoothing >= 0, f"smoothing must not be negative, got {self.smoothing}")
        for name in ("iterations", "patience", "block_checks", "second_run", "alternatives"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        require(self.learning_rate > 0, f"learning_rate must be positive, got {self.learning_rate}")
        require(
            self.smoothness_exponent >= 1, f"smoothness_exponent must be at least 1, got {self.smoothness_exponent}"
        )
        require(0 <= self.clamp_below < 1, f"clamp_below must lie in [0, 1), got {self.clamp_below}")
        require(
            self.constrained or not (self.robust or self.alternatives),
            "robust and alternatives need constrained=true: eq. 1 to the letter has no such aim",
        )

    def attribute(self, task: Task) -> Attribution:
        """Stage 1 on the deployed model, stage 2 along a gradient route, the result checked on the deployed model."""
        baseline = make_baseline(self.baseline, task.image, task.rng())
        facts = grow_sufficient_region(task, baseline, self.tau)
        wanted = wanted_of(task, self.baseline, self.tau, robust=self.robust)
        problem = MaskProblem(task.image, wanted.optimised, task.target, self._preservation(task))
        gradient, refusals = mask_gradient(self.route, task.segmenter, problem)
        if self.constrained:
            return self._constrained(task, gradient, facts, wanted, refusals)
        return self._literal(task, gradient, facts, refusals)

    def schedule(self) -> Schedule:
        """The parameters of eq. 1's optimisation."""
        return Schedule(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Schedule)})

    def search(self, task: Task, groups: tuple[tuple[int, ...], ...] = ((0,),)) -> Search:
        """The parameters of the constrained search, for the size of the task's object."""
        side = math.sqrt(int(task.target.region.sum()))
        grid = (self.mask_size, self.mask_size)
        sweep = Sweep(self.tau, self.iterations, self.patience, self.smoothing * side, grid, groups)
        return Search(sweep, self.block_checks, self.second_run, self.alternatives)

    def _preservation(self, task: Task) -> PreservationLoss:
        declared = task.segmenter.spec.background if self.background == "declared" else None
        return PreservationLoss(self.loss, self.alpha_target, self.alpha_background, declared)

    def _literal(
        self, task: Task, gradient: MaskGradient, facts: SufficientRegionFacts, notes: tuple[str, ...]
    ) -> Attribution:
        """Eq. 1: the last soft mask, whatever it is."""
        grid = (self.mask_size, self.mask_size)
        optimised = optimise_mask(gradient, facts.region, grid, self.schedule(), task.progress)
        return Attribution(
            saliency=optimised.final.soft,
            soft_mask=optimised.final.soft,
            region=optimised.final.region,
            backwards=optimised.evaluations,
            trace={"sufficient_region_dice": list(facts.curve), **optimised.trace},
            notes=notes,
            **self._common(gradient, facts),
        )

    def _constrained(
        self,
        task: Task,
        gradient: MaskGradient,
        facts: SufficientRegionFacts,
        wanted: Wanted,
        notes: tuple[str, ...],
    ) -> Attribution:
        """The smallest binary mask met that the deployed model confirms, and what else was asked for."""
        found = search_minimal_region(task, gradient, facts.region, wanted, self.search(task, wanted.groups))
        return Attribution(
            saliency=found.soft,
            soft_mask=found.soft,
            region=found.region,
            backwards=found.evaluations,
            trace={"sufficient_region_dice": list(facts.curve), **found.trace},
            notes=(*notes, *found.notes),
            required=tuple(BASELINES) if self.robust else (self.baseline,),
            threshold=found.threshold,
            minimality=found.minimality,
            second_run=found.second_run,
            alternatives=found.alternatives,
            **self._common(gradient, facts),
        )

    def _common(self, gradient: MaskGradient, facts: SufficientRegionFacts) -> dict[str, Any]:
        return {
            "sufficient_region": facts,
            "tau": self.tau,
            "baseline": self.baseline,
            "status": "saturated" if facts.saturated else "ok",
            "route": gradient.route,
            "fidelity": gradient.fidelity,
        }
