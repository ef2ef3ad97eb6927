"""`python -m benchmarks.fuzz.worker DOOR SEED FIRST COUNT SECONDS`: a line of JSON an input that was not refused well.

Works in its current folder, where the folder `out` may fill with files and nothing else may.
"""

import json
import signal
import sys
import time
import traceback
import warnings
from types import FrameType

import numpy as np

from benchmarks.fuzz.doors import DOORS, FOLDER
from misure_onnx.errors import MisureError


class TooLongError(BaseException):
    """Not an Exception: nothing on the way may catch it."""


def _too_long(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise TooLongError


def _tell(document: dict[str, object]) -> None:
    sys.__stdout__.write(json.dumps(document) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


def main() -> None:
    """Reads so many broken inputs."""
    name, seed, first, count, seconds = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    signal.signal(signal.SIGALRM, _too_long)
    accepted = refused = 0
    slowest = 0.0
    for number in range(first, first + count):
        _tell({"begins": number})
        rng = np.random.default_rng((seed, list(DOORS).index(name), number))
        begun = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            DOORS[name].read(rng)
            accepted += 1
        except MisureError:
            refused += 1
        except TooLongError:
            _tell({"finding": number, "what": f"more than {seconds:g} seconds"})
        except BaseException:  # noqa: BLE001 - that is what is looked for
            _tell({"finding": number, "what": traceback.format_exc(limit=-4)})
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.perf_counter() - begun)
    _tell({"accepted": accepted, "refused": refused, "slowest": slowest})


if __name__ == "__main__":
    main()
