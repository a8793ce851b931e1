"""The shell's way in: ``decart-nb``."""
