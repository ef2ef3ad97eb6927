"""Points as a user gives them, (x, y) of an image or (x, y, z) of a volume's file, and as indices of arrays."""

from misure_onnx.errors import TargetError
from misure_onnx.segmenter import SegmenterSpec
from misure_onnx.sizes import by
from misure_onnx.types import Size


def point_is_reversed(spec: SegmenterSpec) -> bool:
    """(x, y) is (column, row); (x, y, z) of a volume names its axes in the order of the file."""
    return spec.rank == 2 or spec.preprocessing.axes == "zyx"


def index_of(point: tuple[int, ...], size: Size, *, reverse: bool) -> tuple[int, ...]:
    """The array index of a point.

    Raises:
        TargetError: it has another number of coordinates, or lies outside.
    """
    index = tuple(int(at) for at in (point[::-1] if reverse else point))
    named = size[::-1] if reverse else size
    if len(index) != len(size):
        raise TargetError(f"expected a point of {len(size)} coordinates for this model, got {as_text(point)}")
    if not all(0 <= at < extent for at, extent in zip(index, size, strict=True)):
        unit = "pixels (x,y from 0)" if len(size) == 2 else "voxels (x,y,z from 0)"
        raise TargetError(f"point {as_text(point)} lies outside the image, which is {by(named)} {unit}")
    return index


def as_text(point: tuple[int, ...]) -> str:
    """As the user wrote it."""
    return ",".join(map(str, point))
