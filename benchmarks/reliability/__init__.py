"""Do explanations say which predictions to trust? On Triangle scenes of known truth, spoiled in known ways."""
