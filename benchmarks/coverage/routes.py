"""The gradient routes on a subject, without target and loss: the graph itself is what is covered or not."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch

from benchmarks.bare import bare_session
from benchmarks.coverage.subject import Array, Subject
from misure_onnx.gradients.onnx_gradient.differentiate import GRADIENT, UPSTREAM, gradient_graph
from misure_onnx.gradients.torch_bridge.interpreter import TorchGraph

Run: TypeAlias = Callable[[], tuple[Array, Array]]
"""One forward and backward: scores and gradient."""


def _torch(subject: Subject) -> Run:
    graph = TorchGraph(subject.model(), outputs=[subject.scores])
    (name,) = graph.input_names
    upstream = torch.from_numpy(subject.upstream)

    def run() -> tuple[Array, Array]:
        image = torch.from_numpy(subject.image).requires_grad_()
        (scores,) = graph({name: image})
        (gradient,) = torch.autograd.grad(scores, image, upstream)
        return scores.detach().numpy(), gradient.numpy()

    return run


def _onnx_gradient(subject: Subject) -> Run:
    model = subject.model()
    constants = {tensor.name for tensor in model.graph.initializer}
    (name,) = (value.name for value in model.graph.input if value.name not in constants)
    graph = gradient_graph(model, of=subject.scores, wrt=name, shape=subject.image.shape)
    session = bare_session(graph.SerializeToString(), threads=1)
    feeds = {name: subject.image, UPSTREAM: subject.upstream}

    def run() -> tuple[Array, Array]:
        scores, gradient = session.run([subject.scores, GRADIENT], feeds)
        return np.asarray(scores), np.asarray(gradient)

    return run


ROUTES: dict[str, Callable[[Subject], Run]] = {"torch": _torch, "onnx_gradient": _onnx_gradient}
