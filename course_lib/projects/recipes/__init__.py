"""Reference runs of the projects, a file for each chapter."""
