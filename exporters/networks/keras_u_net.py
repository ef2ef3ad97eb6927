"""A small U-Net of Keras: what `keras` is tried with, since Keras itself has no segmentation networks."""

from typing import Any


def u_net(size: int = 64, classes: int = 3, width: int = 8) -> Any:
    """A keras.Model: (N, size, size, 3) -> probabilities (N, size, size, classes).

    Args:
        size: of both sides, a multiple of 4.
        classes: of the softmax.
        width: channels at the full size.
    """
    from keras import Input, Model, layers

    def convolutions(x: Any, channels: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    image = Input((size, size, 3))
    full = convolutions(image, width)
    half = convolutions(layers.MaxPooling2D()(full), 2 * width)
    x = convolutions(layers.MaxPooling2D()(half), 4 * width)
    for skip in (half, full):
        x = layers.Concatenate()([layers.UpSampling2D(interpolation="bilinear")(x), skip])
        x = convolutions(x, int(skip.shape[-1]))
    return Model(image, layers.Conv2D(classes, 1, activation="softmax")(x))
