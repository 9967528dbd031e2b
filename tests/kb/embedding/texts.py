"""Texts of the three languages and odd ones, written for these tests."""

from itertools import islice, product

FINNISH = (
    "Täydellisellä teollisuusalueella yritykset jakavat höyryn, veden ja lämmön.",
    "Kokkolan suurteollisuusalueella toimii kymmeniä yrityksiä, joista moni valmistaa kemikaaleja.",
    "Hukkalämpö voidaan johtaa kaukolämpöverkkoon, jos sen lämpötila riittää.",
    "Vedyn tuotanto vaatii puhdasta vettä ja paljon uusiutuvaa sähköä.",
    "Ympäristöluvan käsittely kesti hankkeessa puolitoista vuotta (ks. luku 3.2).",
    "Sataman syväväylä palvelee bulkkikuljetuksia ympäri vuoden.",
)
SWEDISH = (
    "På det ideala industriområdet delar företagen ånga, vatten och värme.",
    "Karleby hamn är en av de största i landet när det gäller bulkvaror.",
    "Spillvärme kan ledas till fjärrvärmenätet om temperaturen räcker.",
    "Batterikemikalier kräver renat processvatten och tillförlitlig elförsörjning.",
)
ENGLISH = (
    "A perfect industrial park shares steam, water and waste heat between its companies.",
    "The permit process took eighteen months, mostly because of the noise survey.",
    "Hydrogen production needs clean water and cheap renewable electricity.",
    "Side streams of one plant are raw materials of another.",
)
ODD = (
    "",
    " ",
    "\n\t\u00a0",
    "😀 hyvä 👍🏽",
    "1 234,56 €/MWh – 40 % (CO₂)",
    "https://www.kokkola.fi/a/b?c=d&e=%20",
    "ﬁ ½ ㎏ Ⅳ",
    "日本語 مرحبا",
    "nolla\u200bleveä\ufeff väli",
    "a" * 3000,
    "<s> </s> <unk>",
)


def paragraphs(count: int) -> list[str]:
    """Return different texts of one to three sentences, the languages in turn."""
    groups = [
        [" ".join(sorted(set(some), key=some.index)) for some in product(language, repeat=3)]
        for language in (FINNISH, SWEDISH, ENGLISH)
    ]
    mixed = (text for row in zip(*groups, strict=False) for text in row)
    unique = list(islice(dict.fromkeys(mixed), count))
    assert len(unique) == count
    return unique
