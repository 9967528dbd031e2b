"""Typed pages as pictures in a PDF: what a scanner leaves."""

from __future__ import annotations

import io
import random
import textwrap

from building.sources import FONTS, LOCALES, Source, plain


def build_scan(source: Source) -> bytes:
    """Return a PDF of page pictures only: typed text, a little turned, with grain."""
    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    width, height = 1240, 1754  # A4 at 150 dots an inch
    fonts = {
        weight: ImageFont.truetype(str(FONTS / f"LiberationMono-{weight}.ttf"), 21)
        for weight in ("Regular", "Bold")
    }
    lines: list[tuple[str, str]] = []
    for block in source.blocks:
        weight = "Bold" if block.kind in ("heading", "sample") else "Regular"
        if block.kind == "list":
            for number, item in enumerate(block.items, 1):
                bullet = f"{number}. " if block.ordered else "- "
                wrapped = textwrap.wrap(bullet + plain(item), 76, subsequent_indent="   ")
                lines += [(weight, line) for line in wrapped]
        elif block.kind == "table":
            sizes = [max(len(plain(c)) for c in column) for column in zip(*block.rows, strict=True)]
            for row in block.rows:
                cells = (plain(c).ljust(n) for c, n in zip(row, sizes, strict=True))
                lines.append((weight, "  ".join(cells).rstrip()))
        else:
            text = plain(block.text)
            text = text.upper() if block.kind == "heading" and block.level == 1 else text
            lines += [(weight, line) for line in textwrap.wrap(text, 76)]
        lines.append((weight, ""))
    per_page = 48
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, lang=LOCALES[source.language])
    canvas.setTitle(source.head["title"])
    canvas.setAuthor(source.head["organisation"])
    dice = random.Random(20)  # grain of a picture, not a secret
    for number, start in enumerate(range(0, len(lines), per_page)):
        picture = Image.new("L", (width, height), 244)
        draw = ImageDraw.Draw(picture)
        for place, (face, line) in enumerate(lines[start : start + per_page]):
            draw.text((130, 130 + place * 31), line, fill=38, font=fonts[face])
        for _ in range(900):
            x, y = dice.randrange(width), dice.randrange(height)
            draw.point((x, y), fill=dice.randrange(90, 200))
        turned = picture.rotate(
            (0.7, -0.5)[number % 2], resample=Image.Resampling.BICUBIC, fillcolor=244
        )
        image = io.BytesIO()
        turned.save(image, "JPEG", quality=42)
        canvas.drawImage(ImageReader(image), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()
