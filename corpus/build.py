"""Build the sample documents in `corpus/documents` from the Markdown in `corpus/sources`.

Run it as `python corpus/build.py`, or with names of output files to build only these. The suffix of
a source's `file` chooses the format. The same sources give the same text every time, and the same
bytes with the same versions of the libraries.
"""

from __future__ import annotations

import sys

from building.documents import build, manifest
from building.sources import DOCUMENTS, sources


def main(names: list[str]) -> int:
    """Build all documents, or those named, and the manifest."""
    found = sources()
    DOCUMENTS.mkdir(exist_ok=True)
    for source in found:
        if names and source.file not in names:
            continue
        data = build(source)
        (DOCUMENTS / source.file).write_bytes(data)
        sys.stdout.write(f"{source.file}: {len(data)} bytes\n")
    (DOCUMENTS / "manifest.toml").write_text(manifest(found), encoding="utf-8")
    if not names:
        kept = {source.file for source in found} | {"manifest.toml"}
        for path in DOCUMENTS.iterdir():
            if path.name not in kept:
                path.unlink()
                sys.stdout.write(f"removed {path.name}: no source\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
