"""Pictures for people: figures and overlays. Works on arrays alone."""
