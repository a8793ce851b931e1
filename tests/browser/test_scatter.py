"""A scatter plot in JupyterLab: a point shows its poster on hover and on focus, also without a kernel."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import expect

from decart_nb import media

from .lab import THEMES, Lab, Notebook, screenshot

_TABLE = """
import pandas as pd
import decart_nb
rows = [{"model": model, "seed": seed, "status": "completed", "path": f"point{seed % 2}.mp4", "width": 64, "height": 48,
         "fps": 10.0, "duration": 1.0, "motion": 2.0 + seed / 3 + (model == "lucy-2.5"), "sharpness": 0.7 + seed / 40}
        for model in ["lucy-2.5", "lucy-2.6", "lucy-restyle-2"] for seed in range(4)]
table = pd.DataFrame(rows)
table.loc[3, "sharpness"] = None
"""


def test_a_point_shows_its_poster_also_without_a_kernel(notebook: Notebook, lab: Lab) -> None:
    for number, colour in enumerate(((30, 90, 160), (160, 60, 30))):
        media.encode(np.full((10, 48, 64, 3), colour, np.uint8), lab.folder / f"point{number}.mp4", fps=10)
    page = notebook.page
    notebook.run(_TABLE)
    cell = notebook.run("table.decart.scatter('motion', 'sharpness', by='model')")
    figure = notebook.run("table.decart.scatter('motion', 'sharpness', by='model').figure()")
    expect(figure.locator("img[src^='data:image/png']")).to_be_visible()
    screenshot(figure, "scatter, figure")
    points = cell.locator(".decart-scatter-point")
    expect(points).to_have_count(11)
    expect(cell.get_by_text("1 of 12 rows has no value.")).to_be_visible()
    for number in (0, 10):  # at one end and at the other
        card = points.nth(number).locator(".decart-scatter-card")
        expect(card).to_be_hidden()
        points.nth(number).hover()
        expect(card.locator("img")).to_be_visible()
        plot, box = (part.bounding_box() or {} for part in (cell.locator(".decart-scatter"), card))
        assert plot["x"] <= box["x"]
        assert box["x"] + box["width"] <= plot["x"] + plot["width"]
        screenshot(cell, f"scatter, {number}")
    page.mouse.move(0, 0)
    expect(card).to_be_hidden()

    notebook.theme(THEMES[1])
    points.nth(4).focus()
    expect(points.nth(4).locator("img")).to_be_visible()
    screenshot(cell, "scatter, dark")
    notebook.light()
    notebook.save()
    notebook.shut_down()
    notebook.load()
    kept = page.locator(".decart-scatter-point")
    expect(kept).to_have_count(11)
    kept.nth(2).hover()
    expect(kept.nth(2).get_by_text("lucy-2.5, seed 2")).to_be_visible()
