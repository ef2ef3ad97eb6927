"""Cases of `operators/control_flow.py`: small graphs."""

import numpy as np

from tests.gradients.torch_bridge.cases.case import GraphCase

_x = np.array([[0.3, -0.5, 0.7, 0.9]], dtype=np.float32)

_LOOP = """
<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,4] y, float[3,1,4] all) {
  n = Constant<value = int64 {3}>()
  yes = Constant<value = bool {1}>()
  y, all = Loop (n, yes, x) <body = b (int64 i, bool go, float[1,4] s) => (bool go_on, float[1,4] t, float[1,4] u) {
    go_on = Identity(go)
    m = Mul(s, x)
    t = Sin(m)
    u = Neg(t)
  }>
}"""

_WHILE = """
<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,4] y) {
  yes = Constant<value = bool {1}>()
  one = Constant<value = float {1.0}>()
  half = Constant<value = float {0.5}>()
  y = Loop ("", yes, x) <body = b (int64 i, bool go, float[1,4] s) => (bool go_on, float[1,4] t) {
    t = Mul(s, half)
    sum = ReduceSum<keepdims = 0>(t)
    large = Greater(sum, half)
    go_on = Identity(large)
  }>
}"""

_NEVER = """
<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,4] y) {
  none = Constant<value = int64 {0}>()
  y = Loop (none, "", x) <body = b (int64 i, bool go, float[1,4] s) => (bool go_on, float[1,4] t) {
    go_on = Identity(go)
    t = Neg(s)
  }>
}"""

_BRANCH = """
<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,4] y) {
  zero = Constant<value = float {0.0}>()
  sum = ReduceSum<keepdims = 0>(x)
  positive = CONDITION(sum, zero)
  y = If (positive) <
    then_branch = a () => (float[1,4] p) { p = Mul(x, x) },
    else_branch = b () => (float[1,4] q) { q = Neg(x) }
  >
}"""

_SCAN = """
<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1] last, float[1,4] sums, float[4,1] back) {
  zero = Constant<value = float[1] {0.0}>()
  last, sums, back = Scan <
    num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1, 0], scan_output_directions = [0, 1],
    scan_input_directions = [1],
    body = b (float[1] s, float[1] e) => (float[1] t, float[1] u, float[1] v) {
      t = Add(s, e)
      u = Mul(t, e)
      v = Identity(e)
    }
  > (zero, x)
}"""

_SEQUENCES = """
<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[3,4] y, int64 count, float[1,2] first) {
  one = Constant<value = int64 {1}>()
  zero = Constant<value = int64 {0}>()
  empty = SequenceEmpty()
  twice = Mul(x, x)
  a = SequenceInsert(empty, x)
  b = SequenceInsert(a, twice, zero)
  made = SequenceConstruct(x, twice, x)
  shorter = SequenceErase(made)
  shortest = SequenceErase(shorter, zero)
  second = SequenceAt(b, one)
  third = SequenceAt(shortest, zero)
  joined = SequenceInsert(b, third)
  y = ConcatFromSequence<axis = 0>(joined)
  count = SequenceLength(joined)
  two = Constant<value = int64 {2}>()
  halves = SplitToSequence<axis = 1>(second, two)
  first = SequenceAt(halves, zero)
}"""

_SPLITS = """
<ir_version: 8, opset_import: ["" : 17]>
  g (float[1,4] x) => (float[4,1] stacked, float[1,1,4] single, float[1,3] rest) {
  one = Constant<value = int64 {1}>()
  sizes = Constant<value = int64[2] {1, 3}>()
  columns = SplitToSequence<axis = 1, keepdims = 0>(x)
  stacked = ConcatFromSequence<axis = 0, new_axis = 1>(columns)
  rows = SplitToSequence<axis = 0>(x)
  single = ConcatFromSequence<axis = 0, new_axis = 1>(rows)
  parts = SplitToSequence<axis = 1>(x, sizes)
  rest = SequenceAt(parts, one)
}"""

_OPTIONAL = """
<ir_version: 8, opset_import: ["" : 18]> g (float[1,4] x) => (float[1,4] y, bool there) {
  wrapped = Optional(x)
  there = OptionalHasElement(wrapped)
  y = OptionalGetElement(wrapped)
}"""

CASES = [
    GraphCase("loop", _LOOP, {"x": _x}),
    GraphCase("while", _WHILE, {"x": _x}),
    GraphCase("loop that never runs", _NEVER, {"x": _x}),
    GraphCase("then", _BRANCH.replace("CONDITION", "Greater"), {"x": _x}),
    GraphCase("else", _BRANCH.replace("CONDITION", "Less"), {"x": _x}),
    GraphCase("scan", _SCAN, {"x": _x}),
    GraphCase("sequences", _SEQUENCES, {"x": _x}),
    GraphCase("splits", _SPLITS, {"x": _x}),
    GraphCase("optional", _OPTIONAL, {"x": _x}),
]
