"""The two stages together."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from misure_onnx.gradients import GROUPS, find_gradient, no_gradient
from misure_onnx.gradients import ROUTES as GRADIENT_ROUTES
from misure_onnx.gradients.base import MaskProblem, PreservationLoss
from misure_onnx.gradients.domain import domain_notes
from misure_onnx.gradients.gates import gate_notes
from misure_onnx.methods.base import Attribution, Method, SufficientRegionFacts, Task, require
from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.prune import PrunedMask, prune_by_forwards
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.misure.minimal_region import MaskCandidate, OptimisedMask, Schedule, optimise_mask
from misure_onnx.methods.misure.specks import without_specks
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.perturbation import make_baseline
from misure_onnx.types import Images, Region


@dataclass(frozen=True)
class MiSuRe(Method):
    """Minimally sufficient region: grow until the model finds the object again, then prune.

    The defaults are the preset `smooth`.

    Attributes:
        tau: Dice that the region must exceed, in both stages.
        baseline: what replaces removed pixels (the paper: zero, in the network's input space).
        loss: data term of eq. 1: `dice`, or `cross_entropy` (footnote 4).
        alpha_target, alpha_background: weights of the object's and the background's term (2 and 1).
        background: `complement` (1 - the object's probability) or `declared` (class 0 where the model
            declares it as background, as eq. 1 has it; else the complement).
        mask_size: the mask is a grid of mask_size x mask_size values.
        iterations: at most so many steps.
        learning_rate, weight_decay, adam_epsilon: of AdamW.
        area_weight: lambda; with `constrained` only its start.
        smoothness_weight, smoothness_exponent: gamma and beta of the total variation.
        clamp_below: values below become 0 after every step (the paper: 0.2, absorbing in practice).
        constrained: keep the smallest *binary* mask that passes tau instead of the last soft one.
        patience: stop after so many steps without a smaller mask; 0: never.
        route: where the minimal region comes from. `onnx_gradient`, `torch`: a gradient of the ONNX graph;
            `gradient`: the first of the two that serves; `search`, `finite_difference`: forwards alone, of any
            model (constrained presets only; loss, alphas, iterations and AdamW's parameters have no part in
            them); `auto`: a gradient where there is one, else `search`, as the provenance then says.
        budget: forwards that `search` and `finite_difference` may spend on stage 2. Stage 1 and the checks of the
            result do not count. Both may end earlier.
    """

    name: ClassVar[str] = "misure"
    summary: ClassVar[str] = "the smallest region that is enough for the model (MiSuRe, both stages)"
    uses_gradient: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = (*GROUPS, *GRADIENT_ROUTES, *FORWARD_ROUTES)
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smooth": {
            "mask_size": 40, "iterations": 100, "learning_rate": 0.1, "weight_decay": 0.0, "adam_epsilon": 1e-12,
            "area_weight": 0.03, "smoothness_weight": 0.1, "smoothness_exponent": 1.0, "clamp_below": 0.0,
            "constrained": True, "patience": 30, "background": "complement",
        },
        "minimal": {
            "mask_size": 224, "iterations": 100, "learning_rate": 0.1, "weight_decay": 0.0, "adam_epsilon": 1e-12,
            "area_weight": 0.03, "smoothness_weight": 0.0, "smoothness_exponent": 1.0, "clamp_below": 0.0,
            "constrained": True, "patience": 30, "background": "complement",
        },
        "paper": {
            "mask_size": 224, "iterations": 100, "learning_rate": 0.1, "weight_decay": 0.01, "adam_epsilon": 1e-8,
            "area_weight": 0.01, "smoothness_weight": 0.0, "smoothness_exponent": 3.0, "clamp_below": 0.2,
            "constrained": False, "patience": 0, "background": "declared",
        },
    }  # fmt: skip
    DEFAULT_PRESET: ClassVar[str] = "smooth"

    tau: float = 0.9
    baseline: str = "zero"
    loss: Literal["dice", "cross_entropy"] = "dice"
    alpha_target: float = 2.0
    alpha_background: float = 1.0
    background: Literal["complement", "declared"] = "complement"
    mask_size: int = 40
    iterations: int = 100
    learning_rate: float = 0.1
    weight_decay: float = 0.0
    adam_epsilon: float = 1e-12
    area_weight: float = 0.03
    smoothness_weight: float = 0.1
    smoothness_exponent: float = 1.0
    clamp_below: float = 0.0
    constrained: bool = True
    patience: int = 30
    route: str = "auto"
    budget: int = 2000

    def __post_init__(self) -> None:
        require(0 <= self.tau < 1, f"tau must lie in [0, 1), got {self.tau}")
        require(self.loss in ("dice", "cross_entropy"), f"loss must be dice or cross_entropy, got {self.loss!r}")
        require(
            self.background in ("complement", "declared"),
            f"background must be complement or declared, got {self.background!r}",
        )
        require(self.mask_size >= 2, f"mask_size must be at least 2, got {self.mask_size}")
        require(self.iterations >= 0, f"iterations must not be negative, got {self.iterations}")
        require(self.learning_rate > 0, f"learning_rate must be positive, got {self.learning_rate}")
        require(
            self.smoothness_exponent >= 1, f"smoothness_exponent must be at least 1, got {self.smoothness_exponent}"
        )
        require(0 <= self.clamp_below < 1, f"clamp_below must lie in [0, 1), got {self.clamp_below}")
        require(
            self.route in self.ROUTES, f"route {self.route!r} is unknown; the known ones are {', '.join(self.ROUTES)}"
        )
        require(
            self.constrained or self.route not in FORWARD_ROUTES,
            f"route {self.route} finds a binary region, not the soft mask of eq. 1: it needs constrained=true "
            "(presets minimal and smooth), or a gradient route",
        )
        require(self.budget >= 1, f"budget must be at least 1 forward, got {self.budget}")

    def attribute(self, task: Task) -> Attribution:
        """Stage 1 on the deployed model, stage 2 along the route, the result checked on the deployed model."""
        baseline = make_baseline(self.baseline, task.image, task.rng())
        facts = grow_sufficient_region(task, baseline, self.tau)
        pruned = self._prune(task, baseline, facts)
        chosen, notes = self._choose(task, baseline, facts, pruned.mask)
        return self._attribution(pruned, facts, chosen, (*pruned.notes, *notes))

    def _prune(self, task: Task, baseline: Images, facts: SufficientRegionFacts) -> PrunedMask:
        """Stage 2 along the chosen route; only `auto` goes on to `search` where no gradient is left."""
        if self.route in FORWARD_ROUTES:
            return self._prune_by_forwards(self.route, task, baseline, facts)
        problem = MaskProblem(task.image, (baseline,), task.target, self._preservation(task))
        gradient, refusals = find_gradient(self.route, task.segmenter, problem)
        if gradient is not None:
            optimised = optimise_mask(
                gradient, facts.region, (self.mask_size, self.mask_size), self.schedule(), task.progress
            )
            return PrunedMask(
                optimised,
                gradient.route,
                gradient.fidelity,
                (*refusals, *domain_notes(task.segmenter), *gate_notes(task.segmenter)),
            )
        if self.route != "auto" or not self.constrained:
            raise no_gradient(refusals)
        found = self._prune_by_forwards("search", task, baseline, facts)
        taken = "no gradient is available: the region was searched for with forwards alone (route search)"
        return dataclasses.replace(found, notes=(*refusals, taken, *found.notes))

    def _prune_by_forwards(self, route: str, task: Task, baseline: Images, facts: SufficientRegionFacts) -> PrunedMask:
        cost = Cost(self.smoothness_weight, self.smoothness_exponent)
        return prune_by_forwards(
            route, Questions(task, baseline, self.tau, self.budget), facts.region, cost, self.mask_size
        )

    def _preservation(self, task: Task) -> PreservationLoss:
        declared = task.segmenter.spec.background if self.background == "declared" else None
        return PreservationLoss(self.loss, self.alpha_target, self.alpha_background, declared)

    def schedule(self) -> Schedule:
        """The parameters of stage 2's optimisation."""
        return Schedule(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Schedule)})

    def _choose(
        self, task: Task, baseline: Images, facts: SufficientRegionFacts, optimised: OptimisedMask
    ) -> tuple[MaskCandidate, tuple[str, ...]]:
        """Literally: the last mask. Constrained: the smallest one that passes tau on the *deployed* model."""
        if not self.constrained:
            return optimised.final, ()

        def passes(region: Region) -> bool:
            return bool(task.dice(region[None].astype(np.float32), baseline)[0] > self.tau)

        for candidate in optimised.feasible:
            if passes(candidate.region):
                return dataclasses.replace(candidate, region=without_specks(candidate.region, passes)), ()
        whole = MaskCandidate(facts.region.astype(np.float32), facts.region, facts.dice, 0)
        return whole, ("no smaller mask passed tau on the deployed model: the sufficient region was kept",)

    def _attribution(
        self,
        pruned: PrunedMask,
        facts: SufficientRegionFacts,
        chosen: MaskCandidate,
        notes: tuple[str, ...],
    ) -> Attribution:
        return Attribution(
            saliency=chosen.soft,
            soft_mask=chosen.soft,
            region=chosen.region,
            sufficient_region=facts,
            tau=self.tau,
            baseline=self.baseline,
            status="saturated" if facts.saturated else "ok",
            notes=notes,
            route=pruned.route,
            fidelity=pruned.fidelity,
            backwards=pruned.mask.evaluations,
            trace={"sufficient_region_dice": list(facts.curve), **pruned.mask.trace},
        )
