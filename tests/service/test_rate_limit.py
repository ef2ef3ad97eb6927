import pytest

from misure_onnx.service.rate_limit import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_passes_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    limit = RateLimit(6, clock)
    assert [limit.take("a").allowed for _ in range(7)] == [True] * 6 + [False]
    refused = limit.take("a")
    assert refused.reset == 10
    assert refused.headers("jobs") == {
        "RateLimit-Policy": '"jobs";q=6;w=60', "RateLimit": '"jobs";r=0;t=10', "Retry-After": "10"
    }  # fmt: skip
    clock.now = 9.9
    assert not limit.take("a").allowed
    clock.now = 10.0
    assert limit.take("a").allowed
    assert not limit.take("a").allowed


def test_keys_have_buckets_of_their_own() -> None:
    limit = RateLimit(1, Clock())
    assert limit.take("a").allowed
    assert limit.take("b").allowed
    assert not limit.take("a").allowed


@pytest.mark.parametrize("rest", [60.0, 6000.0])
def test_a_bucket_holds_no_more_than_a_minutes_worth(rest: float) -> None:
    clock = Clock()
    limit = RateLimit(3, clock)
    for _ in range(3):
        limit.take("a")
    clock.now = rest
    assert [limit.take("a").allowed for _ in range(4)] == [True, True, True, False]


def test_what_remains_is_told() -> None:
    allowance = RateLimit(5, Clock()).take("a")
    assert (allowance.remaining, allowance.reset) == (4, 12)
    assert "Retry-After" not in allowance.headers("jobs")
