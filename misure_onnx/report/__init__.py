"""The report of an audit: one page, the same as JSON, and a manifest of every artefact."""
