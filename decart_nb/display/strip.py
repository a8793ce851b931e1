"""Styles by which the clips of one cell stand side by side, in JupyterLab and Notebook 7.

Each job has an output of its own, so that an update of one sends no other's video. Where a cell has several, its output
area lays them out in rows, before the lines and texts, each of which has a row to itself. Elsewhere they stand below
each other.
"""

from __future__ import annotations

#: The class of the part of an output that has a job's clips.
JOB_CLIPS = "decart-job"
_CHILD = ".jp-OutputArea-child"
_HAS_CLIPS = f"{_CHILD}:has(.{JOB_CLIPS})"
#: The clips of a job beside which the cell has those of another one: a later one, or an earlier one.
_BESIDE_OTHERS = f":is({_HAS_CLIPS}:has(~{_CHILD} .{JOB_CLIPS}),{_HAS_CLIPS}~{_HAS_CLIPS})"
_AREA = f".jp-OutputArea:has(>{_CHILD}~{_CHILD} .{JOB_CLIPS})"
_PROMPT_WIDTH = "var(--jp-cell-prompt-width,64px)"
#: Three of them stand side by side in a notebook in a window of 1,280 pixels.
_WIDTH = 268

STRIP_CSS = (
    f"{_AREA}{{display:flex;flex-wrap:wrap;column-gap:12px;padding-left:{_PROMPT_WIDTH}}}"
    f"{_AREA}>{_CHILD}{{flex:0 0 calc(100% + {_PROMPT_WIDTH});margin-left:calc(-1*{_PROMPT_WIDTH})}}"
    f"{_AREA}>{_BESIDE_OTHERS}{{order:-1;flex:0 1 {_WIDTH}px;min-width:0;margin-left:0}}"
    f"{_AREA}>{_BESIDE_OTHERS}>:is(.jp-OutputArea-prompt,.jp-OutputArea-promptOverlay){{display:none}}"
    f"{_AREA}>{_BESIDE_OTHERS}>.jp-RenderedHTMLCommon{{padding-right:0}}"
)
