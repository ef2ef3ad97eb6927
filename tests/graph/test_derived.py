"""What was made of a file is made once, and goes when it is not used."""

import threading

import pytest

from misure_onnx.graph.derived import Derived


def test_a_thing_is_made_once_for_its_key_and_kind() -> None:
    derived, made = Derived(), list[str]()

    def make(name: str) -> str:
        made.append(name)
        return name

    assert derived.once("graph", 1, lambda: make("first")) == "first"
    assert derived.once("graph", 1, lambda: make("again")) == "first"
    assert derived.once("graph", 2, lambda: make("second")) == "second"
    assert derived.once("bridge", 1, lambda: make("other")) == "other"
    assert made == ["first", "second", "other"]


def test_of_a_kind_the_two_used_last_are_kept() -> None:
    derived = Derived()
    for key in (1, 2):
        derived.once("graph", key, lambda: "old")
    derived.once("graph", 1, lambda: "unused")  # used again: key 2 is now the older one
    derived.once("graph", 3, lambda: "third")
    assert derived.once("graph", 1, lambda: "new") == "old"
    assert derived.once("graph", 2, lambda: "new") == "new"


def test_what_could_not_be_made_is_tried_again() -> None:
    derived = Derived()

    def fail() -> str:
        raise ValueError("no rule")

    with pytest.raises(ValueError, match="no rule"):
        derived.once("graph", 1, fail)
    assert derived.once("graph", 1, lambda: "made") == "made"


def test_threads_that_ask_at_the_same_time_get_the_same_thing() -> None:
    derived, found, at_once = Derived(), list[object](), threading.Barrier(4)

    def ask() -> None:
        at_once.wait()
        found.append(derived.once("graph", 1, object))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1
