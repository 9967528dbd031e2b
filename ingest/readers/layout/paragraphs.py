"""Lines to paragraphs, list items and footnotes, over columns and pages."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence

from ingest.readers.layout.furniture import letters_of
from ingest.readers.layout.headings import CAPTION, Draft
from ingest.readers.layout.rows import LOWER_HALF, MARKER, SENTENCE_END, SMALL
from ingest.readers.layout.shapes import Heading, Item, Line, Page, Row
from kb.model import BlockKind

# The same with the mark of a footnote behind it: 'vuonna.12'.
_NOTED = re.compile(r"\w{2}[.!?…][\"'”’»)\]]*\d{1,3}(?:, ?\d{1,3})*$")

_FOOTNOTE = re.compile(r"(?:\(?\d{1,3}\)?|[*†‡]{1,3})$")


def pitch_of(laid: Sequence[Sequence[Item]]) -> float:
    """Return the usual distance of baselines in a paragraph, in sizes of the letters."""
    ratios: Counter[float] = Counter()
    for items in laid:
        before: Line | None = None
        for item in items:
            if isinstance(item, Row):
                before = None
                continue
            if before is not None and before.region == item.region and before.size == item.size:
                step = (item.base - before.base) / max(1.0, item.size)
                if 0.8 < step < 2.5:
                    ratios[round(step, 2)] += 1
            before = item
    if not ratios:
        return 1.2
    total, so_far = sum(ratios.values()), 0
    for ratio, count in sorted(ratios.items()):
        so_far += count
        if so_far >= 0.5 * total:
            return ratio
    return 1.2


def mark_footnotes(items: Sequence[Item], page: Page, body: float) -> None:
    """Mark the small lines at the bottom of a column that begin with a mark or a number."""
    by_region: dict[int, list[Line]] = defaultdict(list)
    for item in items:
        if isinstance(item, Line):
            by_region[item.region].append(item)
    for lines in by_region.values():
        first = len(lines)
        while first and lines[first - 1].size <= SMALL * body:
            first -= 1
        while first < len(lines) and not (
            len(lines[first].words) > 1
            and _FOOTNOTE.match(lines[first].words[0].text)
            and lines[first].base > LOWER_HALF * page.height
        ):
            first += 1
        for line in lines[first:]:
            line.footnote = True


def match_outline(laid: Sequence[Sequence[Item]], outline: Sequence[Heading]) -> None:
    """Mark the lines that say what an entry of the outline says, on its page."""
    said: dict[int, list[tuple[Line, str]]] = {}
    for entry, heading in enumerate(outline):
        wanted = letters_of(heading.title)
        if not wanted or not 0 <= heading.page < len(laid):
            continue
        if heading.page not in said:
            found = [item for item in laid[heading.page] if isinstance(item, Line)]
            said[heading.page] = [(line, letters_of(line.text)) for line in found]
        lines = said[heading.page]
        bare = wanted.lstrip("0123456789")
        for at, (line, text) in enumerate(lines):
            # The outline may leave out the number that the page has, or the other way round.
            rest = text.lstrip("0123456789")
            begins = text and (wanted.startswith(text) or rest in wanted)
            if not rest and at + 1 < len(lines) and line.size < 0.9 * lines[at + 1][0].size:
                continue  # the year that ends the paragraph before
            if line.outline is not None or not (begins or text.endswith(wanted)):
                continue
            whole, used = "", []
            for other, more in lines[at : at + 4]:
                whole += more
                used.append(other)
                if len(whole) >= len(wanted):
                    break
            if whole == wanted or whole.lstrip("0123456789") == bare != "":
                for other in used:
                    other.outline = (entry, heading.level)
                break


def drafts_of(laid: Sequence[Sequence[Item]], body: float, pitch: float) -> list[Draft]:
    """Put lines together to paragraphs, items and notes; ``pitch`` as ``pitch_of`` gives it."""
    drafts: list[Draft] = []
    for items in laid:
        notes: list[Draft] = []
        above = _above_lines(items)
        below = {id(upper): lower for lower, upper in above.values()}
        for item in items:
            if isinstance(item, Row):
                drafts.append(
                    Draft(
                        BlockKind.TABLE_ROW,
                        list(item.lines),
                        cells=item.cells,
                        table=item.table,
                        page=item.page,
                    )
                )
                continue
            into = notes if item.footnote else drafts
            draft = _open(into, item)
            if id(item) in above and not item.footnote:
                upper = above[id(item)][1]
                split = next((one for one in drafts[-40:] if one.lines[-1] is upper), None)
                if split is not None and _same_text(upper, item):
                    split.lines.append(item)
                    continue
            if draft is not None and draft.lines[-1].region != item.region:
                # What a line of the same text follows at once isn't continued elsewhere.
                lower = below.get(id(draft.lines[-1]))
                if lower is not None and lower is not item and _same_text(draft.lines[-1], lower):
                    draft = None
            if draft is not None and _goes_on(draft, item, body, pitch):
                draft.lines.append(item)
                continue
            kind = BlockKind.PARAGRAPH
            if item.footnote:
                kind = BlockKind.FOOTNOTE
            elif _is_marked(item):
                kind = BlockKind.LIST_ITEM
            into.append(Draft(kind, [item], page=item.page))
        drafts += notes
    return drafts


def _above_lines(items: Sequence[Item]) -> dict[int, tuple[Line, Line]]:
    """Return, by the ``id`` of a line, the line and the one right above it in another region.

    Both have letters of one size and share their left edge or their middle. Two regions cut a
    paragraph where its first line stands level with other columns and the rest doesn't.
    """
    lines = sorted((item for item in items if isinstance(item, Line)), key=lambda line: line.base)
    bases = [line.base for line in lines]
    found: dict[int, tuple[Line, Line]] = {}
    for line in lines:
        em = line.size
        low, high = (
            bisect_left(bases, line.base - 1.6 * em),
            bisect_left(bases, line.base - 0.9 * em),
        )
        near = [
            other
            for other in lines[low:high]
            if abs(other.size - em) < 0.07 * em
            and (
                abs(other.left - line.left) < 0.3 * em
                or abs(other.left + other.right - line.left - line.right) < 0.6 * em
            )
        ]
        if len(near) == 1 and near[0].region != line.region:
            found[id(line)] = (line, near[0])
    return found


def _same_text(upper: Line, lower: Line) -> bool:
    """Tell whether a line that stands right under another goes on with its sentence."""
    return (
        upper.bold == lower.bold
        and upper.outline is None
        and lower.outline is None
        and upper.footnote == lower.footnote
        and lower.text[:1].islower()
        and not _is_marked(lower)
        and not CAPTION.match(upper.text)
        and not SENTENCE_END.search(upper.text)
    )


def _open(drafts: Sequence[Draft], line: Line) -> Draft | None:
    """Return the draft that a line may go on.

    That is the last one of its kind past the rows, notes and captions since; for a line that
    begins small, at the top of a column or page, also past headings and labels of figures.
    """
    nearest: Draft | None = None
    for draft in reversed(drafts[-40:]):
        if draft.kind is BlockKind.TABLE_ROW:
            continue
        if (draft.kind is BlockKind.FOOTNOTE) != line.footnote:
            continue
        last = draft.lines[-1]
        if CAPTION.match(draft.lines[0].text) and draft is not drafts[-1]:
            continue
        nearest = nearest or draft
        if not line.text[:1].islower() or last.region == line.region or line.footnote:
            return nearest
        waits = last.text.endswith(("-", "\u00ad")) or len(draft.lines) > 1
        alike = abs(last.size - line.size) < 0.07 * line.size and last.bold == line.bold
        if waits and alike and not SENTENCE_END.search(last.text):
            return draft
        label = len(draft.lines) == 1 and (len(last.text) < 40 or last.bold)
        if not label or line.page > last.page + 1:
            return nearest
    return nearest


def _is_marked(line: Line) -> bool:
    return len(line.words) > 1 and bool(MARKER.match(line.words[0].text))


def _looks_like_head(line: Line, body: float) -> bool:
    return line.outline is not None or line.size >= 1.15 * body


def _goes_on(draft: Draft, line: Line, body: float, pitch: float) -> bool:
    """Tell whether a line belongs to the block before it."""
    last = draft.lines[-1]
    if last.outline is not None or line.outline is not None:
        same = last.outline is not None and line.outline is not None
        return same and last.outline == line.outline
    if abs(last.size - line.size) > 0.07 * max(last.size, line.size):
        return False
    # A paragraph may begin or end with bold words; a whole bold line of it rarely does.
    changes = last.bold != line.bold and (len(draft.lines) == 1 or line.bold)
    within = last.region == line.region and line.text[:1].islower()
    if changes and not (within and not SENTENCE_END.search(last.text)):
        return False
    if last.region != line.region or last.page != line.page:
        return _flows(draft, last, line, body)
    if line.right < last.left or line.left > last.right:
        return False  # a label beside the text, whose lines come between
    step = line.base - last.base
    em = line.size
    if (
        step < 0.5 * em
        or step > max(1.27 * pitch, 1.45 if _looks_like_head(line, body) else 0) * em
    ):
        return False
    starts_low = line.text[:1].islower()
    ended = _ended(last, line)
    if _is_marked(line) and _opens_item(draft, last, line, ended):
        return False
    if _looks_like_head(line, body):
        return True
    room = line.edges[1] - last.right
    fits = room > line.words[0].right - line.words[0].left + 0.8 * em
    if fits and (ended or not starts_low):
        return False
    shift = line.left - last.left
    if shift > 0.8 * em:
        if draft.kind is BlockKind.LIST_ITEM or len(draft.lines) == 1:
            return not (ended and line.text[:1].isupper() and draft.kind is not BlockKind.LIST_ITEM)
        return not ended
    if shift < -0.8 * em and len(draft.lines) > 1:
        return not ended and draft.kind is not BlockKind.LIST_ITEM
    if shift < -0.8 * em and draft.kind is BlockKind.LIST_ITEM:
        return not ended and starts_low
    return True


def _ended(last: Line, line: Line) -> bool:
    """Tell whether a sentence ends with a line; what begins small never follows a mere note."""
    if SENTENCE_END.search(last.text):
        return True
    return not line.text[:1].islower() and bool(_NOTED.search(last.text))


def _opens_item(draft: Draft, last: Line, line: Line, ended: bool) -> bool:
    mark = line.words[0].text
    if mark[:1] in "•◦▪▫■□●○◆◇►▶▸‣⁃∙✓✔➢➤❖":
        return True
    first = draft.lines[0]
    if draft.kind is BlockKind.LIST_ITEM and abs(first.left - line.left) < 3:
        return True
    if ended or last.text.endswith((";", ",")):
        return True
    return line.words[1].left - line.words[0].right > 0.5 * line.size and mark not in "–-—"


def _flows(draft: Draft, last: Line, line: Line, body: float) -> bool:
    """Tell whether a paragraph goes on in the next column, on the next page or past a figure."""
    if draft.kind is BlockKind.FOOTNOTE or _is_marked(line) or _looks_like_head(line, body):
        return False
    if last.bold or line.bold or CAPTION.match(line.text) or CAPTION.match(draft.text):
        return False
    beside = line.right < last.left or line.left > last.right
    if last.page == line.page and abs(last.base - line.base) < (1.5 if beside else 0.5) * line.size:
        return False  # pieces of one row that stand far apart, or of rows side by side
    room = last.edges[1] - last.right
    if _ended(last, line):
        # A sentence that ends in a full line rarely ends its paragraph there as well.
        full = sum(other.edges[1] - other.right < 0.4 * other.size for other in draft.lines)
        flush = room < 0.4 * last.size and line.left < line.edges[0] + 0.5 * line.size
        return flush and full > 2 and full > 0.8 * len(draft.lines)
    if last.text.endswith(("-", "\u00ad")):
        named = last.words[-1].text[:1].isupper() and line.text[:1].isalpha()
        return line.text[:1].islower() or named
    if line.text[:1].islower():
        return True
    return len(draft.lines) > 1 and room < 3 * last.size and last.page + 1 >= line.page


def in_page_order(drafts: list[Draft]) -> list[Draft]:
    """Put what interrupts a paragraph that crosses a page before that paragraph.

    Page starts stay exact that way, and the sentence stays whole: a footnote, a caption or a
    table at the foot of the page comes before the paragraph that goes on overleaf.
    """
    out: list[Draft] = []
    for draft in drafts:
        out.append(draft)
    for at, draft in enumerate(out):
        pages = {line.page for line in draft.lines}
        if len(pages) < 2:
            continue
        first, last = min(pages), max(pages)
        end = at
        while end + 1 < len(out) and out[end + 1].page < last and out[end + 1].page >= first:
            end += 1
        if end > at:
            moved = out[at + 1 : end + 1]
            out[at : end + 1] = [*moved, draft]
    return out
