"""Real inference servers, each in an environment of its own: what tests and benchmarks ask a model through."""
