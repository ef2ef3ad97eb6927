"""MiSuRe: the minimally sufficient region (Hasany, Meriaudeau, Petitjean: "MiSuRe is all you need ...")."""

from misure_onnx.methods.misure.method import MiSuRe

__all__ = ["MiSuRe"]
