"""Reference runs of the part, one file a chapter."""
