"""What a model needs, over a whole audit: context and size, places that recur, strategies, oddities.

Source: Hasany et al., MiSuRe, sections 3.2, 3.3 and 5.3 (figures 4 to 7), and what follows from them for an audit.
"""

FOLDER = "insights"
"""Where they are written, below the audit's folder."""
