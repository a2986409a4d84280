"""Language tags: `en`, `eng`, `en-US` and `English` are one language."""

from __future__ import annotations

# ISO 639-1, then the ISO 639-2 codes that containers use, then the English name.
_TABLE = """
ar ara arabic|bg bul bulgarian|bn ben bengali|bs bos bosnian|ca cat catalan|cs cze ces czech|cy wel cym welsh
da dan danish|de ger deu german|el gre ell greek|en eng english|es spa spanish|et est estonian|eu baq eus basque
fa per fas persian|fi fin finnish|fr fre fra french|ga gle irish|gl glg galician|he heb hebrew|hi hin hindi
hr hrv croatian|hu hun hungarian|hy arm hye armenian|id ind indonesian|is ice isl icelandic|it ita italian
ja jpn japanese|ka geo kat georgian|kk kaz kazakh|km khm khmer|kn kan kannada|ko kor korean|lt lit lithuanian
lv lav latvian|mk mac mkd macedonian|ml mal malayalam|mn mon mongolian|mr mar marathi|ms may msa malay
my bur mya burmese|nb nob bokmal|ne nep nepali|nl dut nld dutch|no nor norwegian|pa pan punjabi|pl pol polish
pt por portuguese|ro rum ron romanian|ru rus russian|si sin sinhala|sk slo slk slovak|sl slv slovenian
sq alb sqi albanian|sr srp serbian|sv swe swedish|sw swa swahili|ta tam tamil|te tel telugu|th tha thai
tl tgl fil tagalog filipino|tr tur turkish|uk ukr ukrainian|ur urd urdu|uz uzb uzbek|vi vie vietnamese
zh chi zho chinese
"""

_CANON = {
    word: entry.split()[0]
    for entry in _TABLE.replace("\n", "|").split("|")
    if entry
    for word in entry.split()
}

UNKNOWN = frozenset({"", "und", "mis", "mul", "zxx", "qaa"})


def language_of(tag: str | None) -> str | None:
    """The language that a tag names, as ISO 639-1 (`en`); None for none, `und`, and words that are no
    language.
    """
    if tag is None:
        return None
    primary = tag.strip().lower().replace("_", "-").split("-")[0]
    return None if primary in UNKNOWN else _CANON.get(primary)


def normalised(tag: str) -> str:
    """As `language_of`, but a tag outside the table stays itself, in lower case."""
    return language_of(tag) or tag.strip().lower().replace("_", "-").split("-")[0]
