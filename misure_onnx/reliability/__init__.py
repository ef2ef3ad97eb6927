"""Which predictions to trust: from numbers about their explanations to a probability that they are right.

Source: Hasany et al., MiSuRe, section 5.5: a logistic regression a class, on the number of dilations, Dice explained
and perturbation ratio, predicts whether Dice with the ground truth reaches a threshold.
"""
