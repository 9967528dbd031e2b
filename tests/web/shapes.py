"""What the tests of an answer's form ask, and the documents that answer it."""

from __future__ import annotations

FIGURES = "Paljonko jäähdytysvettä kiertopiiri säästää vuodessa?"
NEWER = "Kiertopiiri säästää vuodessa 12,6 miljoonaa kuutiometriä jäähdytysvettä."
OLDER = "Kiertopiiri säästi vuonna 2021 noin 10,2 miljoonaa kuutiometriä jäähdytysvettä."

PRACTICES = "Mitä hyviä käytäntöjä teollisuusalueilla on?"
ROWS = "Mitä prosessivesi maksaa?"
ITEMS = "Mitä palveluja alue tarjoaa?"
FIRE = "Yksi palokunta palvelee koko aluetta sopimuksella."
STEAM = "Laitokset myyvät ylijäämähöyryn naapureilleen yhteisen putken kautta."

DOCUMENTS: dict[str, str] = {
    "vesi-2025.md": f"---\ntitle: Vesiraportti 2025\ndate: 2025-02-03\ncity: Kokkola\n---\n\n"
    f"# Jäähdytysveden kierto\n\n{NEWER} Laitokset omistavat lämmönvaihtimensa.\n",
    "vesi-2022.md": f"---\ntitle: Vesiraportti 2022\ndate: 2022-03-01\ncity: Kokkola\n---\n\n"
    f"# Jäähdytysveden kierto\n\n{OLDER} Putket ovat vesiyhtiön.\n",
    "palokunta.md": f"---\ntitle: Turvallisuus teollisuusalueella\ncity: Kokkola\n---\n\n"
    f"# Turvallisuus\n\n## Hyvä käytäntö: yhteinen palokunta\n\nMitä. {FIRE}\n\n"
    "Kuka. Alueyhtiö tilaa palokunnan palvelun, ja pelastuslaitos valvoo sitä.\n",
    "hoyry.md": f"---\ntitle: Energia teollisuusalueella\ncity: Pori\n---\n\n"
    f"# Energia\n\n## Hyvä käytäntö: höyry kiertoon\n\nTiivistelmä. {STEAM}\n\n"
    "Paikka ja aika. Rannikon alue, vuodesta 2020.\n",
    "hinnat.md": "---\ntitle: Vesihinnasto\n---\n\n# Hinnat\n\n"
    "Hinnat tarkistetaan vuosittain neuvottelussa alueen yritysten kanssa.\n\n"
    "| Vesilaatu | €/m³ | Tuottaja |\n| --- | --- | --- |\n| Merivesi | 0,11 | vesiyhtiö |\n"
    "| Prosessivesi | 0,48 | vesiyhtiö |\n| Kattilavesi | 1,35 | höyrylaitos |\n",
    "palvelut.md": "---\ntitle: Alueen palvelut\n---\n\n# Palvelut\n\n"
    "Alue tarjoaa yrityksille seuraavat palvelut:\n\n- höyryä ja lämpöä kaikille laitoksille\n"
    "- valokuituverkon ja puhelinverkon\n- vartioinnin ja kulkuluvat\n",
}
