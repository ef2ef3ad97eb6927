"""Which model on which data set: what the rows of Table 1 are grouped by."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A data set with a model.

    Attributes:
        dataset: in `DATASETS`.
        model: as the paper has it.
        samples: objects explained in the paper (Table 1).
        small: the same with `--small`.
    """

    dataset: str
    model: str
    samples: int
    small: int

    @property
    def name(self) -> str:
        """What files are called."""
        return f"{self.dataset}_{self.model}"

    @property
    def published(self) -> str:
        """Its key in the paper's numbers."""
        return f"{self.dataset} {self.model}"


COLUMNS: Mapping[tuple[str, str], Column] = {
    (column.dataset, column.model): column
    for column in (
        Column("triangle", "unet", 150, 6),
        Column("synapse", "unet", 400, 8),
        Column("synapse", "transunet", 400, 8),
        Column("coco", "deeplabv3", 181, 8),
    )
}


def find_column(dataset: str, model: str | None) -> Column:
    """The column of a data set; of its first model where none is named.

    Raises:
        ValueError: the paper has no such column.
    """
    for (data, network), column in COLUMNS.items():
        if data == dataset and model in (None, network):
            return column
    pairs = ", ".join(f"{data} {network}" for data, network in COLUMNS)
    raise ValueError(f"the paper has no column {dataset} {model or ''}; it has {pairs}")
