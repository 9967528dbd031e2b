from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.passages import LONGEST, split
from kb.model import Block, BlockKind, DocumentId, Passage

ID = DocumentId("d")
words = st.sampled_from(
    ["vesi", "jäähdytys", "Kokkola", "esim.", "1.8.2023", "alue.", "on", "€/m³"]
)
paragraphs = st.lists(words, min_size=1, max_size=120).map(" ".join)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, tuple[Block, ...]]:
    text = ""
    blocks: list[Block] = []
    path: tuple[str, ...] = ()
    slide = 1
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["heading", "paragraph", "row", "slide"]))
        if kind == "slide":
            slide += 1
        content = draw(words) if kind == "heading" else draw(paragraphs)
        if kind == "heading":
            path = (*path[: draw(st.integers(0, 2))], content)
        if text:
            text += "\n\n"
        kinds = {"heading": BlockKind.HEADING, "row": BlockKind.TABLE_ROW}
        blocks.append(
            Block(
                start=len(text),
                end=len(text) + len(content),
                kind=kinds.get(kind, BlockKind.PARAGRAPH),
                heading=path,
                slide=slide,
            )
        )
        text += content
    return text, tuple(blocks)


def passages(document: tuple[str, tuple[Block, ...]]) -> list[Passage]:
    return split(document[0], document[1], document_id=ID, language="fi")


@given(documents())
@settings(max_examples=200, deadline=None)
def test_passages_hold_all_of_the_text_once(document: tuple[str, tuple[Block, ...]]) -> None:
    text, _ = document
    found = passages(document)

    covered = bytearray(len(text))
    for passage in found:
        for at in range(passage.start, passage.end):
            covered[at] += 1
    assert all(covered[at] == 1 for at in range(len(text)) if not text[at].isspace())
    assert [p.start for p in found] == sorted(p.start for p in found)


@given(documents())
@settings(max_examples=200, deadline=None)
def test_sentences_lie_inside_their_passage_and_hold_all_but_headings(
    document: tuple[str, tuple[Block, ...]],
) -> None:
    text, blocks = document
    headings = {at for b in blocks if b.kind == BlockKind.HEADING for at in range(b.start, b.end)}
    for passage in passages(document):
        inside = set()
        for sentence in passage.sentences:
            assert passage.start <= sentence.start < sentence.end <= passage.end
            assert (
                text[sentence.start : sentence.end].strip() == text[sentence.start : sentence.end]
            )
            inside |= set(range(sentence.start, sentence.end))
        rest = {at for at in range(passage.start, passage.end) if not text[at].isspace()}
        assert rest - inside <= headings


@given(documents())
@settings(max_examples=200, deadline=None)
def test_a_passage_is_long_only_where_one_sentence_is(
    document: tuple[str, tuple[Block, ...]],
) -> None:
    for passage in passages(document):
        if passage.end - passage.start > LONGEST:
            assert len(passage.sentences) <= 1


@given(documents())
@settings(max_examples=200, deadline=None)
def test_a_passage_never_crosses_slides(document: tuple[str, tuple[Block, ...]]) -> None:
    _, blocks = document
    for passage in passages(document):
        slides = {b.slide for b in blocks if b.start < passage.end and b.end > passage.start}
        assert len(slides) == 1


def test_a_heading_stays_with_what_it_heads() -> None:
    text = "1 Vesi\n\n1.1 Jäähdytys\n\nVettä on neljää laatua.\n\n2 Energia\n\nSähköä riittää."
    cuts = [(0, 6), (8, 21), (23, 46), (48, 57), (59, 74)]
    cooling = ("1 Vesi", "1.1 Jäähdytys")
    paths = [("1 Vesi",), cooling, cooling, ("2 Energia",), ("2 Energia",)]
    heading, paragraph = BlockKind.HEADING, BlockKind.PARAGRAPH
    kinds = [heading, heading, paragraph, heading, paragraph]
    blocks = tuple(
        Block(start=start, end=end, kind=kind, heading=path)
        for (start, end), kind, path in zip(cuts, kinds, paths, strict=True)
    )

    found = split(text, blocks, document_id=ID, language="fi")

    assert [text[p.start : p.end] for p in found] == [text[:46], text[48:]]
    assert found[0].heading == ("1 Vesi", "1.1 Jäähdytys")


def test_a_word_list_without_full_stops_is_cut_at_spaces() -> None:
    text = "sana " * 2000
    blocks = (Block(start=0, end=len(text.rstrip())),)

    found = split(text.rstrip(), blocks, document_id=ID, language="fi")

    assert max(p.end - p.start for p in found) <= 2 * LONGEST
    assert all(text[p.start : p.end].startswith("sana") for p in found)
