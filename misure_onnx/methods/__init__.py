"""Explanation methods. One file (or package) a method, one line here."""

from misure_onnx.methods.base import Method
from misure_onnx.methods.dilated_mask import DilatedMask
from misure_onnx.methods.extremal_perturbation import ExtremalPerturbation
from misure_onnx.methods.grad_cam_plus_plus import GradCamPlusPlus
from misure_onnx.methods.gradient import Gradient
from misure_onnx.methods.grid_saliency import GridSaliency
from misure_onnx.methods.kernel_shap import KernelShap
from misure_onnx.methods.lime import Lime
from misure_onnx.methods.meaningful_perturbation import MeaningfulPerturbation
from misure_onnx.methods.misure import MiSuRe
from misure_onnx.methods.object_edges import ObjectEdges
from misure_onnx.methods.occlusion import Occlusion
from misure_onnx.methods.predicted_mask import PredictedMask
from misure_onnx.methods.random_mask import RandomMask
from misure_onnx.methods.rise import Rise
from misure_onnx.methods.score_cam import ScoreCam
from misure_onnx.methods.seg_ablation_cam import SegAblationCam
from misure_onnx.methods.seg_grad_cam import SegGradCam
from misure_onnx.methods.seg_hires_grad_cam import SegHiResGradCam
from misure_onnx.methods.seg_xres_cam import SegXResCam
from misure_onnx.methods.smooth_grad import SmoothGrad
from misure_onnx.methods.sufficient_region import SufficientRegion

METHODS: dict[str, type[Method]] = {
    "misure": MiSuRe,
    "sufficient_region": SufficientRegion,
    "rise": Rise,
    "occlusion": Occlusion,
    "kernel_shap": KernelShap,
    "lime": Lime,
    "grid_saliency": GridSaliency,
    "meaningful_perturbation": MeaningfulPerturbation,
    "extremal_perturbation": ExtremalPerturbation,
    "gradient": Gradient,
    "smooth_grad": SmoothGrad,
    "seg_grad_cam": SegGradCam,
    "grad_cam_plus_plus": GradCamPlusPlus,
    "seg_hires_grad_cam": SegHiResGradCam,
    "seg_xres_cam": SegXResCam,
    "seg_ablation_cam": SegAblationCam,
    "score_cam": ScoreCam,
    "predicted_mask": PredictedMask,
    "dilated_mask": DilatedMask,
    "object_edges": ObjectEdges,
    "random": RandomMask,
}
