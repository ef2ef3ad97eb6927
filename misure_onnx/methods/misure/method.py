"""The two stages together."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from misure_onnx.errors import require
from misure_onnx.gradients import GROUPS, find_gradient, no_gradient
from misure_onnx.gradients import ROUTES as GRADIENT_ROUTES
from misure_onnx.gradients.base import Fidelity, MaskGradient, MaskProblem, PreservationLoss
from misure_onnx.gradients.domain import domain_notes
from misure_onnx.gradients.gates import gate_notes
from misure_onnx.methods.base import Attribution, Method, SufficientRegionFacts
from misure_onnx.methods.misure.area_sweep import AT_ONCE, sweep_area
from misure_onnx.methods.misure.constrained import Found, Search, Wanted, explored, minimal_region, wanted_of
from misure_onnx.methods.misure.disturbance import Disturbance
from misure_onnx.methods.misure.forward_only import FORWARD_ROUTES
from misure_onnx.methods.misure.forward_only.cost import Cost
from misure_onnx.methods.misure.forward_only.prune import prune_by_forwards
from misure_onnx.methods.misure.forward_only.questions import Questions
from misure_onnx.methods.misure.minimal_region import Schedule, optimise_mask
from misure_onnx.methods.misure.sweep import Sweep
from misure_onnx.methods.sufficient_region import grow_sufficient_region
from misure_onnx.methods.task import Task
from misure_onnx.perturbation import BASELINES, make_baseline
from misure_onnx.types import Size


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
        mask_size: the mask is a grid of mask_size x mask_size values; a volume's has at most so many along each axis.
        smoothing: how coarse the region is, as a share of the object's side (the square root of its area, the cube root
            of its volume): standard deviation of the Gaussian that its pixels' scores are smoothed with; halved,
            twice at most, where the region stays large.
        iterations: at most so many masks are evaluated.
        descent: until the first mask fails, the area shrinks by so many times the usual step (at least 1); not in the
            second run, which is too short to come back.
        patience: stop after so many masks without a smaller one; 0: never.
        block_checks: regions asked about at most, to leave blocks out until none can go; 0: none.
        second_run: masks of a second search from random scores, whose overlap is reported; 0: none.
        alternatives: so many further minimal regions that avoid those before.
        jitter: the mask is moved by up to so many pixels along each axis, anew in every step of a gradient route.
        input_noise: Gaussian noise on the network's input in every such step: its deviation as a share of each
            channel's range. Jitter and noise make regions that a small change does not break, and larger ones.
        constrained: keep the smallest *binary* mask that passes tau instead of the last soft one.
        learning_rate, weight_decay, adam_epsilon: of AdamW.
        area_weight: lambda.
        smoothness_weight, smoothness_exponent: gamma and beta of the total variation.
        clamp_below: values below become 0 after every step (the paper: 0.2, absorbing in practice).
        route: where the minimal region comes from. `onnx_gradient`, `torch`: a gradient of the ONNX graph;
            `gradient`: the first of the two that serves; `search`, `finite_difference`: forwards alone, of any
            model (with `constrained` and one baseline only; loss, alphas, iterations and AdamW's parameters have no
            part in them); `auto`: a gradient where there is one, else `search`, as the provenance then says.
        budget: forwards that `search` and `finite_difference` may spend on stage 2. Stage 1 and the checks of the
            result do not count. Both may end earlier.
    """

    name: ClassVar[str] = "misure"
    summary: ClassVar[str] = "the smallest region that is enough for the model (MiSuRe, both stages)"
    uses_gradient: ClassVar[bool] = True
    ROUTES: ClassVar[tuple[str, ...]] = (*GROUPS, *GRADIENT_ROUTES, *FORWARD_ROUTES)
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "smooth": {
            "constrained": True, "robust": False, "smoothing": 0.025, "mask_size": 224, "iterations": 32,
            "descent": 3.0, "patience": 0, "block_checks": 100, "second_run": 6, "background": "complement",
        },
        "minimal": {
            "constrained": True, "robust": False, "smoothing": 0.0, "mask_size": 224, "iterations": 150,
            "descent": 1.0, "patience": 0, "block_checks": 100, "second_run": 20, "background": "complement",
        },
        "robust": {
            "constrained": True, "robust": True, "smoothing": 0.01, "mask_size": 224, "iterations": 100,
            "descent": 1.0, "patience": 0, "block_checks": 100, "second_run": 20, "background": "complement",
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
    iterations: int = 32
    descent: float = 3.0
    patience: int = 0
    block_checks: int = 100
    second_run: int = 6
    alternatives: int = 0
    jitter: int = 0
    input_noise: float = 0.0
    constrained: bool = True
    learning_rate: float = 0.1
    weight_decay: float = 0.01
    adam_epsilon: float = 1e-8
    area_weight: float = 0.01
    smoothness_weight: float = 0.0
    smoothness_exponent: float = 3.0
    clamp_below: float = 0.2
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
        require(self.smoothing >= 0, f"smoothing must not be negative, got {self.smoothing}")
        for name in ("iterations", "patience", "block_checks", "second_run", "alternatives", "jitter", "input_noise"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")
        require(self.descent >= 1, f"descent must be at least 1, got {self.descent}")
        require(self.learning_rate > 0, f"learning_rate must be positive, got {self.learning_rate}")
        require(
            self.smoothness_exponent >= 1, f"smoothness_exponent must be at least 1, got {self.smoothness_exponent}"
        )
        require(0 <= self.clamp_below < 1, f"clamp_below must lie in [0, 1), got {self.clamp_below}")
        require(
            self.constrained or not (self.robust or self.alternatives or self.jitter or self.input_noise),
            "robust, alternatives, jitter and input_noise need constrained=true: eq. 1 to the letter has no such aim",
        )
        require(
            self.route in self.ROUTES, f"route {self.route!r} is unknown; the known ones are {', '.join(self.ROUTES)}"
        )
        require(
            self._forwards_suffice() or self.route not in FORWARD_ROUTES,
            f"route {self.route} finds one binary region under one baseline: it needs constrained=true (presets "
            "minimal and smooth) without robust and alternatives, or a gradient route",
        )
        require(self.budget >= 1, f"budget must be at least 1 forward, got {self.budget}")

    def _forwards_suffice(self) -> bool:
        return self.constrained and not self.robust and not self.alternatives

    def attribute(self, task: Task) -> Attribution:
        """Stage 1 on the deployed model, stage 2 along the route, the result checked on the deployed model."""
        facts = grow_sufficient_region(task, make_baseline(self.baseline, task.image, task.rng()), self.tau)
        wanted = wanted_of(task, self.baseline, self.tau, robust=self.robust)
        if self.route in FORWARD_ROUTES:
            return self._by_forwards(self.route, task, facts, wanted, ())
        problem = MaskProblem(task.image, wanted.optimised, task.target, self._preservation(task))
        at_once = AT_ONCE if self.constrained else 1
        gradient, refusals = find_gradient(self.route, task.segmenter, problem, at_once)
        if gradient is not None:
            notes = (*refusals, *domain_notes(task.segmenter), *gate_notes(task.segmenter))
            along = self._constrained if self.constrained else self._literal
            return along(task, gradient, facts, wanted, notes)
        if self.route != "auto" or not self._forwards_suffice():
            raise no_gradient(refusals)
        taken = "no gradient is available: the region was searched for with forwards alone (route search)"
        return self._by_forwards("search", task, facts, wanted, (*refusals, taken))

    def schedule(self) -> Schedule:
        """The parameters of eq. 1's optimisation."""
        return Schedule(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Schedule)})

    def search(self, task: Task, groups: tuple[tuple[int, ...], ...] = ((0,),)) -> Search:
        """The parameters of the constrained search, for the size of the task's object."""
        side = int(task.target.region.sum()) ** (1 / len(task.size))
        grid = self._grid(task)
        disturbed = self.jitter or self.input_noise
        disturbance = Disturbance(self.jitter, self.input_noise, task.image, task.seed) if disturbed else None
        sweep = Sweep(
            self.tau, self.iterations, self.patience, self.smoothing * side, grid, groups, self.descent, disturbance
        )
        return Search(sweep, self.block_checks, self.second_run, self.alternatives)

    def _grid(self, task: Task) -> Size:
        """mask_size x mask_size; no finer than its voxels in a volume, whose grid would need too much memory."""
        if len(task.size) == 2:
            return (self.mask_size, self.mask_size)
        return tuple(min(self.mask_size, extent) for extent in task.size)

    def _preservation(self, task: Task) -> PreservationLoss:
        declared = task.segmenter.spec.background if self.background == "declared" else None
        return PreservationLoss(self.loss, self.alpha_target, self.alpha_background, declared)

    def _literal(
        self,
        task: Task,
        gradient: MaskGradient,
        facts: SufficientRegionFacts,
        wanted: Wanted,
        notes: tuple[str, ...],
    ) -> Attribution:
        """Eq. 1: the last soft mask, whatever it is."""
        del wanted  # it aims at nothing
        optimised = optimise_mask(gradient, facts.region, self._grid(task), self.schedule(), task.progress)
        return Attribution(
            saliency=optimised.final.soft,
            soft_mask=optimised.final.soft,
            region=optimised.final.region,
            backwards=optimised.evaluations,
            trace={"sufficient_region_dice": list(facts.curve), **optimised.trace},
            notes=notes,
            **self._common(facts, gradient.route, gradient.fidelity),
        )

    def _constrained(
        self,
        task: Task,
        gradient: MaskGradient,
        facts: SufficientRegionFacts,
        wanted: Wanted,
        notes: tuple[str, ...],
    ) -> Attribution:
        """The smallest binary mask met along the gradient that the deployed model confirms."""
        search = self.search(task, wanted.groups)
        found = minimal_region(
            lambda start: sweep_area(gradient, start, search.sweep, task.progress),
            facts.region,
            wanted,
            self.block_checks,
        )
        found = explored(found, task, gradient, wanted, search)
        return self._confirmed(found, facts, notes, gradient.route, gradient.fidelity)

    def _by_forwards(
        self, route: str, task: Task, facts: SufficientRegionFacts, wanted: Wanted, notes: tuple[str, ...]
    ) -> Attribution:
        """The smallest region that a route without gradients finds, finished like any other."""
        questions = Questions(task, wanted.optimised[0], self.tau, self.budget)
        finest = Cost.finest_grid(self.mask_size, self.smoothing, task.target.region)
        found = minimal_region(
            lambda start: prune_by_forwards(route, questions, start, Cost.of(self.smoothing), finest),
            facts.region,
            wanted,
            self.block_checks,
        )
        return self._confirmed(found, facts, (*notes, *questions.notes()), route, None)

    def _confirmed(
        self, found: Found, facts: SufficientRegionFacts, notes: tuple[str, ...], route: str, fidelity: Fidelity | None
    ) -> Attribution:
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
            **self._common(facts, route, fidelity),
        )

    def _common(self, facts: SufficientRegionFacts, route: str, fidelity: Fidelity | None) -> dict[str, Any]:
        return {
            "sufficient_region": facts,
            "tau": self.tau,
            "baseline": self.baseline,
            "status": "saturated" if facts.saturated else "ok",
            "route": route,
            "fidelity": fidelity,
        }
