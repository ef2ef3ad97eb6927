"""Families of networks by name; a framework is imported when one of its networks is built."""

from exporters.families import keras, module, monai, sklearn, smp, timm, torchvision, transformers, transunet
from exporters.family import Family

FAMILIES: dict[str, Family] = {
    "torchvision": torchvision.FAMILY,
    "smp": smp.FAMILY,
    "timm": timm.FAMILY,
    "transformers": transformers.FAMILY,
    "monai": monai.FAMILY,
    "transunet": transunet.FAMILY,
    "module": module.FAMILY,
    "keras": keras.FAMILY,
    "sklearn": sklearn.FAMILY,
}
