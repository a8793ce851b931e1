"""Blind pairwise ratings: which clips are compared, in what order, and what the votes say. It displays nothing."""
