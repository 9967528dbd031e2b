"""From words with boxes on pages to one text with blocks: the layout analysis of PDF and OCR.

Everything here is geometry and typography, measured in points from the top left corner of the
page; nothing knows where the words came from. The steps, a page at a time and then over all:

1. words to rows (``rows_of``), by the overlap of their cores from baseline to x-height;
2. rows to bands that share white gutters, each band to columns of text, a table, or plain lines
   (``arrange``): an XY-cut that looks for the longest runs of rows with a common gutter;
3. running heads, feet and page numbers found by repetition over pages (``furniture``);
4. lines to paragraphs, headings, list items, captions and footnotes (``assemble``), and those apart
   again that were read across what the file writes one after the other (``Torn``); one text with
   exact page starts and the span of every word.
"""

from __future__ import annotations

from ingest.readers.layout.assembling import assemble
from ingest.readers.layout.shapes import Box, Heading, Page, Word
from ingest.readers.layout.writing import Assembled

__all__ = ["Assembled", "Box", "Heading", "Page", "Word", "assemble"]
