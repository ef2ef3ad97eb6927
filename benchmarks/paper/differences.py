"""Where our numbers are not the paper's, and why that is likely, row by row.

A reason is a sentence about the network or the method that the results beside it support; where none does, it says so.
"""

from benchmarks.paper.published import Published
from benchmarks.paper.settings import OURS, PAPER

CLOSE = (0.03, 0.25)
"""A Dice within so much, and a ratio within this share, need no reason."""


def difference(published: Published, dice: float, ratio: float) -> str:
    """Ours minus the paper's Dice, and ours over the paper's ratio."""
    return f"{dice - published.dice:+.3f}, x{ratio / published.ratio:.2g}"


def reason(setting: str, published: Published, dice: float, ratio: float) -> str:
    """Why the two may differ."""
    if abs(dice - published.dice) <= CLOSE[0] and abs(ratio / published.ratio - 1) <= CLOSE[1]:
        return "agrees"
    if setting == "rise":
        return "cells, probability and resizing of the masks are not stated"
    if setting == "seg_grad_cam":
        return "the map is as fine as the bottleneck: 28x28 here, 7x7 after VGG-16's five halvings"
    if setting in OURS:
        return "another aim: a binary region above tau, as small as it can be"
    if not setting.startswith("msr"):
        return "another reading"
    return _of_misure(setting, published, dice, ratio)


def _of_misure(setting: str, published: Published, dice: float, ratio: float) -> str:
    _, rate, _, size = setting.split()
    if int(size) < 224 and ratio < published.ratio:
        return "the paper seems to count the coarse mask outside the sufficient region too; here it ends there"
    if float(rate) <= 0.001:
        return "no pixel falls to 0 in 100 steps: the start shows, and the paper's leaves 4 % out"
    if dice < published.dice - CLOSE[0]:
        return "this network fills in less of what is removed (see above)"
    if dice > published.dice + CLOSE[0] and ratio <= published.ratio * (1 + CLOSE[1]):
        return "this network fills in more of what is removed (see above)"
    if setting == PAPER or ratio != published.ratio:
        return "lambda is a threshold on each pixel's gradient, which is another network's"
    return "not known"
