"""What is computed once, once an input shape, or at every call.

* constant: fed only by weights. Folded when the program is scheduled.
* per shape: fed only by constants and by `Shape` of tensors whose shape follows from the inputs' shapes. These
  are the long chains of shape arithmetic of exporters; they stay on the CPU and are computed once an input shape.
* per call: everything else; runs on the device.
"""

from dataclasses import replace

import torch

from misure_onnx.gradients.torch_bridge.node import Value
from misure_onnx.gradients.torch_bridge.operators import DATA_DEPENDENT_SHAPE
from misure_onnx.gradients.torch_bridge.program import Program, Step, inner_graphs, run_step

_READS_ONLY_THE_SHAPE = frozenset({"Shape", "Size"})


def scheduled(program: Program) -> Program:
    """The program with constants folded and the steps marked that depend on shapes alone."""
    return _with_shape_steps(_folded(program))


def per_call(program: Program) -> Program:
    """The program without what is remembered for an input shape."""
    return replace(program, steps=tuple(step for step in program.steps if not step.per_shape))


def with_releases(program: Program) -> Program:
    """Notes after which step a tensor is needed no more; what is remembered for a shape is kept."""
    kept = {"", *program.constants, *program.outputs, *remembered(program)}
    last: dict[str, int] = {}
    for position, step in enumerate(program.steps):
        last |= dict.fromkeys((*step.reads, *step.node.outputs), position)
    releases: list[list[str]] = [[] for _ in program.steps]
    for name in last.keys() - kept:
        releases[last[name]].append(name)
    steps = (replace(step, releases=tuple(names)) for step, names in zip(program.steps, releases, strict=True))
    return replace(program, steps=tuple(steps))


def remembered(program: Program) -> frozenset[str]:
    """Names of the tensors that depend on the input's shape alone."""
    return frozenset(name for step in program.steps if step.per_shape for name in step.node.outputs)


def on_device(program: Program) -> frozenset[str]:
    """Names of tensors that are read as data in every call, and never as numbers on the CPU."""
    data: set[str] = set()
    numbers: set[str] = set()
    for step in program.steps:
        if step.per_shape:
            numbers |= set() if step.node.op_type in _READS_ONLY_THE_SHAPE else step.reads
            continue
        data.update(step.captures)
        for position, name in enumerate(step.node.inputs):
            (numbers if position in step.host_inputs else data).add(name)
    return frozenset(data - numbers)


def _folded(program: Program) -> Program:
    """Steps fed only by constants are run now, on the CPU."""
    values: dict[str, Value] = dict(program.constants)
    left: list[Step] = []
    with torch.inference_mode(mode=False), torch.no_grad():
        for step in program.steps:
            if step.reads <= values.keys():
                run_step(step, values, torch.device("cpu"))
            else:
                left.append(step)
    read = {name for step in left for name in step.reads}.union(program.outputs)
    return replace(program, constants={n: v for n, v in values.items() if n in read}, steps=tuple(left))


def _with_shape_steps(program: Program) -> Program:
    """Marks the steps whose results depend on nothing but the inputs' shapes."""
    fixed = set(program.constants)  # the same at every call with inputs of these shapes
    unsteady: set[str] = set()  # tensors whose shape may differ between such calls
    steps: list[Step] = []
    for step in program.steps:
        shape_only = step.node.op_type in _READS_ONLY_THE_SHAPE and unsteady.isdisjoint(step.reads)
        per_shape = shape_only or step.reads <= fixed
        if per_shape:
            fixed.update(step.node.outputs)
        elif not unsteady.isdisjoint(step.reads) or _may_change_shape(step, fixed):
            unsteady.update(step.node.outputs)
        steps.append(replace(step, per_shape=per_shape))
    return replace(program, steps=tuple(steps))


def _may_change_shape(step: Step, fixed: set[str]) -> bool:
    """Whether the shape of a step's result may depend on the values it is fed."""
    numbers = {name for position, name in enumerate(step.node.inputs) if position in step.host_inputs and name}
    data_dependent = (step.node.domain, step.node.op_type) in DATA_DEPENDENT_SHAPE or bool(inner_graphs(step.node))
    return data_dependent or not numbers <= fixed
