"""misure as a part of other platforms: what their requests and answers have in common, and one module a platform."""
