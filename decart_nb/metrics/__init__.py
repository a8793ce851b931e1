"""Metrics of clips: FFmpeg's filters and plug-ins as numbers, measured once for each video and kept in the store."""
