"""What is measured: kinds of explanation, and the rows of each. A row is one peer's program in one mode."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        peer: in `environments.PEERS`.
        mode: second argument of its program, `benchmarks.peers.with_<peer>`.
        label: what the table says behind the peer's name.
        estimate: of RISE: `mean` (its error falls with the root of the masks) or `surrogate`.
    """

    peer: str
    mode: str
    label: str
    estimate: str = "mean"

    @property
    def name(self) -> str:
        """Key in the results."""
        return f"{self.peer} {self.mode}"


@dataclass(frozen=True)
class Kind:
    """Rows that answer the same question.

    Attributes:
        title: of the table.
        rows: of it.
        needs_torch: the network in torch, which there is of the bundled model alone.
        reference: whose map the others' are compared with: a row's name, or `limit`, which `judging` knows.
    """

    title: str
    rows: tuple[Row, ...]
    reference: str
    needs_torch: bool = False


_CALLABLE, _ORIGINAL = "a function around ONNX Runtime", "the network in torch"

KINDS = {
    "rise": Kind(
        "RISE",
        (
            Row("misure", "rise-mean-cpu", "mean, ONNX Runtime"),
            Row("misure", "rise-surrogate-cpu", "surrogate, ONNX Runtime", "surrogate"),
            Row("misure", "rise-mean-openvino", "mean, OpenVINO float32"),
            Row("misure", "rise-surrogate-openvino", "surrogate, OpenVINO float32", "surrogate"),
            Row("misure", "rise-surrogate-openvino-bf16", "surrogate, OpenVINO bfloat16", "surrogate"),
            Row("dianna", "rise-path", "the file"),
            Row("dianna", "rise-callable", _CALLABLE),
            Row("openvino_xai", "rise-default", "its own precision"),
            Row("openvino_xai", "rise-f32", "float32"),
            Row("xplique", "rise", _CALLABLE),
            Row("xaitk", "rise", _CALLABLE),
            Row("torchray", "rise-callable", _CALLABLE),
            Row("torchray", "rise-torch", "the network in torch, its soft Dice"),
        ),
        "limit",
    ),
    "occlusion": Kind(
        "Occlusion",
        (
            Row("misure", "occlusion", "ONNX Runtime"),
            Row("captum", "occlusion", _CALLABLE),
            Row("monai", "occlusion", _CALLABLE),
            Row("xplique", "occlusion", _CALLABLE),
            Row("xaitk", "occlusion", _CALLABLE),
        ),
        "misure occlusion",
    ),
    "shapley": Kind(
        "Shapley values and other numbers of superpixels",
        (
            Row("misure", "kernel_shap", "KernelSHAP, ONNX Runtime"),
            Row("captum", "kernel_shap", f"KernelShap, {_CALLABLE}"),
            Row("shap", "kernel", f"KernelExplainer, {_CALLABLE}"),
            Row("xplique", "kernel_shap", f"KernelShap, {_CALLABLE}"),
            Row("dianna", "kernel_shap-path", "KernelSHAP, the file, superpixels of its own"),
            Row("shap", "partition", f"PartitionExplainer, {_CALLABLE}, rectangles of its own"),
            Row("captum", "feature_ablation", f"FeatureAblation, {_CALLABLE}"),
        ),
        "limit",
    ),
    "cam": Kind(
        "Class activation maps",
        (
            Row("misure", "seg_grad_cam", "Seg-Grad-CAM from the ONNX file"),
            Row("misure", "seg_hires_grad_cam", "Seg-HiRes-Grad-CAM from the ONNX file"),
            Row("grad_cam", "grad_cam", f"GradCAM, {_ORIGINAL}"),
            Row("grad_cam", "hires_cam", f"HiResCAM, {_ORIGINAL}"),
            Row("captum", "layer_grad_cam", f"LayerGradCam, {_ORIGINAL}"),
        ),
        "grad_cam grad_cam",
        needs_torch=True,
    ),
    "gradient": Kind(
        "Gradients",
        (
            Row("misure", "gradient", "gradient from the ONNX file"),
            Row("captum", "saliency", f"Saliency, {_ORIGINAL}"),
            Row("misure", "smooth_grad", "SmoothGrad from the ONNX file"),
            Row("captum", "smooth_grad", f"NoiseTunnel of Saliency, {_ORIGINAL}"),
        ),
        "captum saliency",
        needs_torch=True,
    ),
    "extremal": Kind(
        "Extremal perturbation",
        (
            Row("misure", "extremal_perturbation", "from the ONNX file"),
            Row("torchray", "extremal", _ORIGINAL),
        ),
        "misure extremal_perturbation",
        needs_torch=True,
    ),
}


def rows(kinds: list[str], peers: list[str] | None, *, torch: bool) -> list[Row]:
    """Those of some kinds and (None: all) peers, without those for which there is no network in torch."""
    chosen = [row for kind in kinds if torch or not KINDS[kind].needs_torch for row in KINDS[kind].rows]
    return [
        row for row in chosen if (peers is None or row.peer in peers) and (torch or not row.mode.endswith("-torch"))
    ]
