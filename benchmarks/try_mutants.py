"""Tries mutants that mutmut has made, each on the tests of its own module: about a second each.

    mutmut run --max-children 1 "misure_onnx.overlap.*"   # makes all mutants (and tries a few)
    python -m benchmarks.try_mutants                      # those not yet tried; it can be stopped and started again
    python -m benchmarks.try_mutants "area_sweep" --again

`mutmut run` would try them all too, on every test that reaches a function, which takes a minute for some of them. Here
each mutant gets a process of its own that has the libraries loaded already. Outcomes are kept where mutmut keeps its
own, so that `mutmut show` and `mutmut browse` know them. A mutant that needs more than `SECONDS` of processor time
hangs, which counts as noticed.
"""

import argparse
import gc
import importlib
import json
import os
import re
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

PLACE = Path("mutants")
SECONDS = 90
LOADED = (
    "cv2", "hypothesis.extra.numpy", "matplotlib", "onnxruntime", "pytest", "scipy.integrate", "scipy.stats",
    "skl2onnx", "sklearn.ensemble", "torch", "misure_onnx.api",
)  # fmt: skip
"""Imported once, before the processes part."""

STAGE_2 = "tests/methods/misure/test_"
MAPS, RERUNS, TRUTHS = (f"tests/metrics/test_{kind}_metrics.py" for kind in ("map", "rerun", "truth"))
TESTS = {
    "audit.rle": ["tests/audit/test_rle.py"],
    "mask": ["tests/test_mask_moved.py", "tests/test_mask_of_volumes.py", "tests/test_mask.py"],
    "methods.certificate": ["tests/methods/test_certificate.py"],
    "methods.misure.area_sweep": [f"{STAGE_2}{name}.py" for name in ("area_sweep_slowly", "area_sweep", "disturbance")],
    "methods.misure.constrained": [f"{STAGE_2}finishing.py", f"{STAGE_2}constrained.py"],
    "methods.misure.disturbance": [f"{STAGE_2}disturbance.py"],
    "methods.misure.minimal_region": [f"{STAGE_2}minimal_region.py", f"{STAGE_2}misure.py"],
    "methods.misure.specks": [f"{STAGE_2}specks.py"],
    "methods.misure.tightened": [f"{STAGE_2}tightened.py", f"{STAGE_2}constrained.py"],
    "methods.sufficient_region": ["tests/methods/test_sufficient_region.py"],
    "metrics.base": ["tests/metrics/test_dice_explained.py", MAPS, "tests/metrics/test_every_metric.py"],
    "metrics.dice_explained": ["tests/metrics/test_dice_explained.py"],
    "metrics.mass_in_truth": [TRUTHS],
    "metrics.perturbation_ratio": ["tests/metrics/test_perturbation_ratio.py"],
    "metrics.pointing_game": [TRUTHS],
    "overlap": ["tests/test_overlap.py"],
}
"""By module, the quickest first; of the other metrics those of reruns and of maps."""


def main() -> None:
    """Those that match a pattern and have no outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="of the mutants' names")
    parser.add_argument("--again", action="store_true", help="those with an outcome too")
    arguments = parser.parse_args()
    files = {file.resolve(): json.loads(file.read_text(encoding="utf-8")) for file in sorted(PLACE.rglob("*.meta"))}
    _load()
    for file, meta in files.items():
        codes = meta["exit_code_by_key"]
        wanted = [name for name, code in codes.items() if arguments.again or code is None]
        for name in filter(re.compile(arguments.pattern).search, wanted):
            codes[name] = tried(name)
            file.write_text(json.dumps(meta, indent=4), encoding="utf-8")
            print(codes[name], name, flush=True)


def own_tests(mutant: str) -> Sequence[str]:
    """The files that hold its module's own tests."""
    module = mutant.rpartition(".")[0].removeprefix("misure_onnx.")
    return TESTS.get(module, (RERUNS, MAPS))


def tried(mutant: str) -> int:
    """How its tests ended: 0 where none noticed it, as an exit status; below 0 a signal."""
    for file in own_tests(mutant):
        child = os.fork()
        if child == 0:
            os._exit(_alone(mutant, file))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != 0:
            return code
    return 0


def _load() -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading them takes longer than most tests
    sys.path.insert(0, str(PLACE.resolve()))
    os.chdir(PLACE)
    for name in LOADED:
        importlib.import_module(name)
    hypothesis = importlib.import_module("hypothesis")
    hypothesis.settings.register_profile("unhurried", deadline=None, database=None)  # a busy machine is no mistake
    hypothesis.settings.load_profile("unhurried")
    gc.freeze()


def _alone(mutant: str, file: str) -> int:
    """In a process of its own."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.environ["MUTANT_UNDER_TEST"] = mutant  # mutmut's functions look here for which of them is meant
    pytest = importlib.import_module("pytest")
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--rootdir=.", "--tb=no", file]))


if __name__ == "__main__":
    main()
