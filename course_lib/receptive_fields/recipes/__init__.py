"""Recipes of the reference runs of this part, a file for each chapter."""
