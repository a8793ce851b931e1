"""Adaptive sweeps: a budget is spent only where blind votes do not yet tell the compared values apart."""
