"""Single objects against the ground truth: detected, false and missed ones, and how a number differs between them."""
