"""Sweeps: axes, the plan, its run, and its results."""
