"""What the tests of an answer's form ask, and the documents that answer it."""

from __future__ import annotations

FIGURES = "Paljonko jäähdytysvettä kiertopiiri säästää vuodessa?"
NEWER = "Kiertopiiri säästää vuodessa 12,6 miljoonaa kuutiometriä jäähdytysvettä."
OLDER = "Kiertopiiri säästi vuonna 2021 noin 10,2 miljoonaa kuutiometriä jäähdytysvettä."

DOCUMENTS: dict[str, str] = {
    "vesi-2025.md": f"---\ntitle: Vesiraportti 2025\ndate: 2025-02-03\ncity: Kokkola\n---\n\n"
    f"# Jäähdytysveden kierto\n\n{NEWER} Laitokset omistavat lämmönvaihtimensa.\n",
    "vesi-2022.md": f"---\ntitle: Vesiraportti 2022\ndate: 2022-03-01\ncity: Kokkola\n---\n\n"
    f"# Jäähdytysveden kierto\n\n{OLDER} Putket ovat vesiyhtiön.\n",
}
