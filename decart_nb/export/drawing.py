"""Drawing of a grid's page with Pillow: all but the pictures of its clips."""

from __future__ import annotations

from PIL import Image, ImageDraw

from .fonts import Text, text_within
from .plan import Box, Page, Plan, Tile

_WHITE, _INK, _MUTED, _RULE = (255, 255, 255), (17, 24, 39), (95, 103, 117), (218, 222, 228)
_BAND, _MATTE = (241, 243, 246), (236, 239, 243)
_BAD_INK, _BAD_GROUND, _BAD_HATCH = (153, 27, 27), (254, 242, 242), (248, 196, 196)
#: What is written in a cell of a row that is still to come, or was not wanted; any other text is a failure.
_WITHOUT_FAULT = ("not begun", "queued", "processing", "downloading", "over the cap", "cancelled")


def draw_page(plan: Plan, page: Page) -> Image.Image:
    """Draw a page: head, labels, captions, and cards in place of clips that are not there.

    The pictures' places are grey; :func:`draw_failure` draws over one whose video cannot be read.

    Args:
        plan: the grid's measures.
        page: one of its pages.
    """
    image = Image.new("RGB", (page.width, page.height), _WHITE)
    draw = ImageDraw.Draw(image)
    _write(draw, plan.title, plan.margin, plan.margin, _INK)
    if plan.shared:
        _write(draw, plan.shared, plan.margin, plan.margin + plan.title.height + 2, _MUTED)
    _draw_labels(draw, plan, page)
    for tile in page.tiles:
        _draw_tile(image, draw, tile, plan)
    if page.note:
        note = text_within(page.note, plan.small, page.width - 2 * plan.margin, 1)
        _write(draw, note, page.width - plan.margin - note.width, page.height - plan.foot + 2, _MUTED)
    return image


def draw_failure(image: Image.Image, box: Box, text: str, size: int) -> None:
    """Draw a failure: red text on a plate, hatching around it, and a frame.

    Args:
        image: to draw on.
        box: where.
        text: a status, and after a colon its reason.
        size: of the text, in pixels.
    """
    card = Image.new("RGB", (box.width, box.height), _BAD_GROUND)
    draw = ImageDraw.Draw(card)
    step = max(8, size)
    for x in range(-box.height, box.width, step):
        draw.line((x, box.height, x + box.height, 0), _BAD_HATCH, max(2, size // 6))
    status, _, reason = text.partition(":")
    inset = min(size, box.width // 20)  # of the plate in the card, and of the text in the plate
    inner = box.width - 4 * inset
    head = text_within(status, size, inner - 1.5 * size, 1)
    lines = max(1, (box.height - 3 * size - head.height) // round(1.32 * 0.85 * size))
    body = text_within(reason, max(9, round(0.85 * size)), inner, min(4, lines)) if reason.strip() else None
    height = head.height + (body.height if body else 0)
    top = max(0, (box.height - height) // 2)
    plate = (inset, top - size // 2, box.width - inset - 1, top + height + size // 2)
    draw.rounded_rectangle(plate, size // 3, _WHITE)
    _draw_cross(draw, 2 * inset, top + head.leading // 2, size)
    _write(draw, head, 2 * inset + round(1.5 * size), top, _BAD_INK, bold=True)
    if body:
        _write(draw, body, 2 * inset, top + head.height, _BAD_INK)
    draw.rectangle((0, 0, box.width - 1, box.height - 1), outline=_BAD_INK, width=max(1, size // 8))
    image.paste(card, (box.x, box.y))


def _draw_labels(draw: ImageDraw.ImageDraw, plan: Plan, page: Page) -> None:
    left, right = plan.margin, page.width - plan.margin
    top, bottom = plan.head, plan.head + plan.band
    inset = plan.size // 2
    end = page.rows[-1][1].corners[3] + 1 if page.rows else bottom
    draw.rectangle((left, top, right - 1, bottom - 1), _BAND)
    draw.rectangle((left, top, left + plan.label_width - 1, end - 1), _BAND)
    _write(draw, plan.row_name, left + inset, bottom - plan.row_name.height - inset // 2, _MUTED)
    first = page.cols[0].x
    named = bool(plan.layout.col_name)
    if named:
        _write(draw, plan.col_name, first, top + inset // 2, _MUTED)
    for label, box in zip(plan.col_labels, page.cols, strict=True):
        down = top + inset // 2 + (plan.col_name.height if named else 0)
        _write(draw, label, box.x, down, _INK)
    for row, box in page.rows:
        _write(draw, plan.row_labels[row], box.x + inset, box.y + inset, _INK)
        draw.line((left, box.y, right - 1, box.y), _RULE)
    draw.line((left, end, right - 1, end), _RULE)


def _draw_tile(image: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, plan: Plan) -> None:
    box = tile.picture
    if tile.item is None:
        width, middle = plan.size, (box.x + box.width // 2, box.y + box.height // 2)
        draw.line((middle[0] - width // 2, middle[1], middle[0] + width // 2, middle[1]), _MUTED, 2)
    elif not isinstance(tile.item, str):
        draw.rectangle(box.corners, _MATTE)
        if tile.caption:
            _write(draw, tile.caption, box.x, box.y + box.height + 2, _MUTED)
    elif tile.item.partition(":")[0] in _WITHOUT_FAULT:
        draw.rectangle(box.corners, _BAND, _RULE)
        text = text_within(tile.item, plan.size, box.width - 2 * plan.size, 4)
        _write(draw, text, box.x + plan.size, box.y + (box.height - text.height) // 2, _MUTED)
    else:
        draw_failure(image, box, tile.item, plan.size)


def _draw_cross(draw: ImageDraw.ImageDraw, x: int, y: int, size: int) -> None:
    """A disc with a cross, which tells a failure by its shape."""
    radius, arm = size / 2, size / 4
    draw.ellipse((x, y - radius, x + 2 * radius, y + radius), _BAD_INK)
    for way in (-1, 1):
        line = (x + radius - arm, y - way * arm, x + radius + arm, y + way * arm)
        draw.line(line, _WHITE, max(2, size // 7))


def _write(
    draw: ImageDraw.ImageDraw, text: Text, x: int, y: int, colour: tuple[int, int, int], *, bold: bool = False
) -> None:
    for number, line in enumerate(text.lines):
        middle = y + text.leading * number + text.leading / 2
        draw.text((x, middle), line, colour, text.font, anchor="lm", stroke_width=0.4 if bold else 0)
