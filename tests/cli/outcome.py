"""What a command did, and what every refusal has in common."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Run = Callable[..., "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """Exit status, stdout and stderr."""

    status: int
    out: str
    err: str

    def document(self) -> Any:
        """The one JSON document on stdout."""
        assert self.status == 0, self.err
        return json.loads(self.out)

    def assert_refused(self, *words: str) -> None:
        """Exit status 2, an empty stdout, and one message that holds all words."""
        assert self.status == 2, self.err
        assert self.out == ""
        assert "Traceback" not in self.err
        assert "Warning" not in self.err
        assert "internal error" not in self.err
        assert self.err.count(": error: ") == 1
        assert self.err.startswith(("misure: error: ", "usage: misure "))
        for word in words:
            assert word in self.err, self.err
