"""Files of every format, spoilt at random: whatever a reader does with one, it costs that one.

Twenty of each format by default; ``FUZZ_FILES=200`` for the long run.
"""

import io
import os
import random
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.limits import MEGABYTE, Limits
from ingest.reading import Reading
from ingest.sandbox import ReaderPool
from kb.errors import UnreadableDocument
from kb.model import LANGUAGES
from tests.ingest.readers.samples import SAMPLES

FILES = int(os.environ.get("FUZZ_FILES", "20"))
LIMITS = Limits(seconds=30, memory_bytes=1024 * MEGABYTE)


def sample_pdf() -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    for page in range(3):
        for line in range(20):
            canvas.drawString(60, 780 - 20 * line, f"Sivu {page}, rivi {line}: vesi virtaa jokeen.")
        canvas.bookmarkPage(f"p{page}")
        canvas.addOutlineEntry(f"Luku {page}", f"p{page}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def sample_png() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (60, 40), 255).save(out, "png")
    return out.getvalue()


FORMATS = {**SAMPLES, "sample.pdf": sample_pdf, "sample.png": sample_png}


def spoilt(data: bytes, choice: random.Random) -> bytes:
    """Return bytes with a few things wrong: flipped, lost, doubled, cut, blank or shuffled."""
    changed = bytearray(data)
    for _ in range(choice.choice((1, 2, 5, 20))):
        if len(changed) < 4:
            break
        start = choice.randrange(len(changed) - 1)
        end = min(len(changed), start + choice.choice((1, 2, 8, 64, 1024)))
        match choice.randrange(8):
            case 0:
                changed[start] ^= 1 << choice.randrange(8)
            case 1:
                changed[start:end] = choice.randbytes(end - start)
            case 2:
                del changed[start:end]
            case 3:
                changed[start:start] = changed[start:end]
            case 4:
                changed[start:end] = bytes(end - start)
            case 5:
                changed[start:start] = changed[start:end] * choice.choice((2, 50))
            case 6:
                changed[start:end] = b"9" * (end - start)
            case _:
                del changed[start:]
    return bytes(changed)


def spoilt_inside(data: bytes, choice: random.Random) -> bytes:
    """Return an archive that is sound, with a member that isn't."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        victim = choice.choice(names)
        for name in names:
            content = old.read(name)
            new.writestr(name, spoilt(content, choice) if name == victim else content)
    return out.getvalue()


def files(folder: Path) -> Iterator[tuple[Path, str]]:
    for name, make in FORMATS.items():
        data = make()
        for number in range(FILES):
            choice = random.Random(f"{name} {number}")
            archive = zipfile.is_zipfile(io.BytesIO(data)) and number % 2
            changed = spoilt_inside(data, choice) if archive else spoilt(data, choice)
            path = folder / f"{number}-{name}"
            path.write_bytes(changed)
            yield path, path.name


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_spoilt_file_gets_out_of_its_worker(tmp_path: Path) -> None:
    read: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    broken: list[str] = []
    with ReaderPool(2, LIMITS) as pool:
        for (path, name), outcome in pool.read_all(files(tmp_path)):
            kind = name.rpartition(".")[2]
            if isinstance(outcome, Reading):
                read[kind] += 1
                # What is passed on is a text with its places, whatever the file was.
                assert outcome.text.strip(), name
                assert all(b.start < b.end <= len(outcome.text) for b in outcome.blocks), name
            else:
                assert isinstance(outcome, UnreadableDocument), name
                refused[kind] += 1
                for language in LANGUAGES:
                    assert outcome.text(language), name
                    assert outcome.cure(language), name
                if outcome.code in ("unreadable_crash", "unreadable_unknown"):
                    broken.append(f"{name}: {outcome.params.get('detail', outcome.code)}")
            path.unlink()
    assert sum(read.values()) + sum(refused.values()) == FILES * len(FORMATS)
    # Spoilt is not always unreadable, nor the other way round.
    assert sum(read.values()) > FILES
    assert sum(refused.values()) > FILES
    # A reader that nobody taught to refuse is a defect, though its worker bears it.
    assert len(broken) <= 0.01 * FILES * len(FORMATS), "\n".join(broken)
