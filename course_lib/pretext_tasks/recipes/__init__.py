"""Reference runs of the pretext tasks, a file for each chapter."""
