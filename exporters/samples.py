"""Networks of every family, small where the published size would only cost time: command lines of the exporters."""

_BOTH = "--variants float16,int8"
_PLAIN = f"--classes 5 --size 96 {_BOTH}"
_OLDER = f"--exporter legacy {_PLAIN}"
_SMALL_TRANSUNET = "--set blocks=1,1,1 --set width=16 --set hidden=96 --set layers=3 --set heads=4"
_SMALL_SEGFORMER = "--set depths=[1,1,1,1] --set hidden_sizes=[16,32,48,64] --set decoder_hidden_size=64"
_U_NET = "--set channels=(8,16,32) --set strides=(2,2)"

SAMPLES: dict[str, str] = {
    "sklearn/RandomForestClassifier": "sklearn RandomForestClassifier --set n_estimators=20 --set max_depth=8",
    "sklearn/ExtraTreesClassifier": "sklearn ExtraTreesClassifier --set n_estimators=20 --set max_depth=8",
    "sklearn/MLPClassifier": "sklearn MLPClassifier --set max_iter=30 --set tol=0.01",
    "sklearn/LogisticRegression": "sklearn LogisticRegression --set max_iter=500",
    "keras/u_net": f"keras exporters.networks.keras_u_net:u_net --set size=96 {_BOTH}",
    "monai/UNet": f"monai UNet --channels 1 {_U_NET} {_PLAIN}",
    "monai/UNet 3-D": f"monai UNet --channels 1 {_U_NET} --classes 4 --size 24,32,32 {_BOTH}",
    "transformers/segformer": f"transformers segformer {_SMALL_SEGFORMER} {_PLAIN}",
    "smp/Unet resnet18": f"smp Unet --set encoder_name=resnet18 {_PLAIN}",
    "torchvision/lraspp_mobilenet_v3_large": f"torchvision lraspp_mobilenet_v3_large {_PLAIN}",
    "timm/convnext_atto": f"timm convnext_atto --set decoder=FPN {_PLAIN}",
    "transunet/TransUNet": f"transunet TransUNet {_SMALL_TRANSUNET} {_OLDER}",
    "module/U2Net": f"module benchmarks.coverage.zoo.paper_models:U2Net --size 96 --exporter legacy {_BOTH}",
    "torchvision/deeplabv3_resnet50": f"torchvision deeplabv3_resnet50 {_OLDER}",
    "smp/DeepLabV3Plus resnet18": f"smp DeepLabV3Plus --set encoder_name=resnet18 {_OLDER}",
    "smp/Segformer mit_b0": f"smp Segformer --set encoder_name=mit_b0 {_OLDER}",
    "transformers/maskformer": "transformers maskformer --classes 5 --size 96 --exporter legacy",
    "monai/SwinUNETR": f"monai SwinUNETR --channels 1 --set feature_size=12 {_OLDER}",
    "monai/SegResNet 3-D": f"monai SegResNet --channels 1 --classes 4 --size 24,32,32 --exporter legacy {_BOTH}",
}
"""family/network -> arguments of `python -m exporters`, without weights and output."""
