"""A class to try the grader on: `make_class` writes it; `attacks` and `meddling` are what its worst members hand in."""
