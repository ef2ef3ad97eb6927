"""One finding of `misure doctor`."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at.
        status: ok, absent (optional and not there), or fault.
        found: what was found.
        repair: what to do, where there is something to do.
    """

    name: str
    status: Literal["ok", "absent", "fault"]
    found: str
    repair: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields."""
        return dataclasses.asdict(self)
