"""Exports of a grid of clips to files that can be handed on: galleries, contact sheets and videos."""
