"""How likely a text is as one of a language, by its letters alone: tells code pages apart in a file of two
lines.

Every text that a code page makes of the same bytes has a likelihood under each language that used the page.
The sum of the logarithms over the same bytes compares them all: one letter a byte here, one sign for two
bytes there.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

# Letters beyond ASCII, the most frequent first. The order is what matters, not the exact shares.
_LATIN = {
    "fr": "éàèêçùîôâûœïëüÿæ",
    "de": "üäößéàè",
    "es": "óáíéñú¿¡ü",
    "pt": "ãçáíéóúõêôâàü",
    "it": "èàòùéìíóî",
    "sv": "äöåéüà",
    "da": "øåæéöäü",
    "no": "åøæéòôà",
    "fi": "äöåéü",
    "nl": "ëéïóèöü",
    "is": "ðíáóýæúöþé",
    "ca": "óàéíèòçúïü·",
    "pl": "łżęąćśóńź",
    "cs": "íáéěřčýžšůúóťďň",
    "sk": "áíýčúťéžľšóäôňĺďŕ",
    "hu": "áéöóőíüúű",
    "hr": "čšžćđ",
    "sl": "čšžćđ",
    "bs": "čšžćđ",
    "ro": "ăîâşţșț",
    "sq": "ëç",
    "tr": "ışçüğöİâî",
    "lt": "šėųįžąčūę",
    "lv": "āēīšūļņķžģč",
    "et": "äõüöšž",
    "vi": "đôưáàểếệộêạợảậịốóầớấỗụặùíủọãìờềựữýâứởơỉỏổửúòừ\u0301\u0300\u0309\u0303\u0323ăĩũ",
}
_OTHER = {
    "ru": "оеаитнсрлвкмдпуяьыгзбчйжшхюцщэфёъ",
    "uk": "аоинівтерслкудмпязьбгйчхжцїшюєщфґ",
    "be": "анырлекісядтвпмцуозьўэчбгйфшхжюё",
    "bg": "аеоитнрсвлкдпмзуъябгчжшщцхйюфьѝ",
    "mk": "аеоитнрсквдлпмузбјгчњцжшфќхѓџљѕ",
    "sr": "аиоенрсјтукдвмплзгбшчцњљжћхђфџ",
    "el": "αοιτενσηυρπκμςλωάίόέγδήθχύφώβξζψϊϋ",
    "he": "יוהלאתרמבשנעםדקחפכטגצסןזךףץ",
    "ar": "اليمنرتوةبعدهسفكقحجأصطشخىضذءزإثغئظؤآ",
    "fa": "اینرهدتومبيسشزکكخگقفلعجحپصطآچغضثئذظژىأء",
    "th": "านรอก่เงมย้ลวดทสตะปบคหัีแิไจพชขใุู์ื็ำโผซณธถภฟฐฎญศษฉฝฮๆฬฆฏฑฒฌ",
}
_HIRAGANA = "いのかなたてにとしるをはがよれっでもだうんらすこあまきりくどそえおせけさつみわちじろやねめばご"
_HANZI = (
    "的我你了是不在一有他这们来到说就要会个那人没好么吗吧啊她想知道能对去什上过得看也很都样为可以还和时后"
    "大天子下多起生自己家今年事里做用然话让给走叫什从现点真只心把经谁明如出地再见"
)
_HANZI_OLD = (
    "的我你了是不在一有他這們來到說就要會個那人沒好麼嗎吧啊她想知道能對去什上過得看也很都樣為可以還和時後"
    "大天子下多起生自己家今年事裡做用然話讓給走叫什從現點真只心把經誰明如出地再見"
)
_HANGUL = (
    "이다는가고에을하지나도의한아서그로네어기리자은들게사만해요있니까시무안면내일우야당신거라대정를보으수인"
    "스여오과부없것마말할전제군주않구죠습입합년제저려모든세장실생각때문람원래었았했겠친좋오늘날씨참같"
)

_PUNCTUATION = frozenset("“”‘’„«»–—…·•\u00a0¿¡°♪§€£№、。，！？；：「」『』（）《》〈〉【】・～〜\u3000―♫″‚‹›")

# Natural logarithms of a sign's share.
_USUAL_MARK, _SYMBOL, _FOREIGN, _BROKEN = -3.5, -9.5, -12.0, -14.0
_CAPITAL = -0.7
_MISPLACED = -6.0
"""A sign where its script does not put it: Cyrillic beside Latin, three accents in a row, a capital or a mark
inside a word.
"""

_Score = Callable[[str], float]


@dataclass(frozen=True)
class _Alphabet:
    """A language's share of each sign, and what its words look like."""

    shares: dict[str, float]
    others: _Score
    latin: bool = False
    mixed: bool = False


def _by_rank(letters: str, ratio: float) -> dict[str, float]:
    """Each letter `ratio` times as frequent as the one before it."""
    shares: dict[str, float] = {}
    for rank, letter in enumerate(letters):
        shares.setdefault(letter, math.log(1 - ratio) + rank * math.log(ratio))
    return shares


def _alike(letters: str, share: float) -> dict[str, float]:
    return dict.fromkeys(letters, math.log(share / len(letters)))


def _foreign(sign: str) -> float:
    return _FOREIGN if sign.isalpha() else _SYMBOL


def _row(sign: str, encoding: str) -> int:
    """The first byte of the sign in a national standard, which puts what is used often into its first rows; 0
    outside.
    """
    try:
        coded = sign.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return coded[0] if len(coded) == 2 else 0


def _rest(encoding: str, often: range, seldom: range) -> _Score:
    def share(sign: str) -> float:
        row = _row(sign, encoding)
        return -8.0 if row in often else _FOREIGN if row in seldom else _BROKEN

    return share


def _japanese(sign: str) -> float:
    if "\uff61" <= sign <= "\uff9f":
        return _FOREIGN  # half-width: one byte, and hardly ever in a subtitle
    if "\u30a0" <= sign <= "\u30ff":
        return -6.6
    if "\u3040" <= sign <= "\u309f":
        return -7.0
    row = _row(sign, "euc_jp")
    return -8.0 if 0xB0 <= row < 0xD0 else _FOREIGN if row else _BROKEN


@lru_cache(maxsize=1)
def _alphabets() -> dict[str, _Alphabet]:
    found = {
        code: _Alphabet(_by_rank(letters, 0.6), _foreign, latin=True) for code, letters in _LATIN.items()
    }
    found["vi"] = _Alphabet(_by_rank(_LATIN["vi"], 0.93), _foreign, mixed=True)
    found |= {code: _Alphabet(_by_rank(letters, 0.9), _foreign) for code, letters in _OTHER.items()}
    found["ja"] = _Alphabet(_alike(_HIRAGANA, 0.55), _japanese, mixed=True)
    hanzi = _rest("gb2312", range(0xB0, 0xD8), range(0xD8, 0xF8))
    found["zh-hans"] = _Alphabet(_alike(_HANZI, 0.5), hanzi, mixed=True)
    old = _rest("big5", range(0xA4, 0xC7), range(0xC9, 0xFA))
    found["zh-hant"] = _Alphabet(_alike(_HANZI_OLD, 0.5), old, mixed=True)
    hangul = _rest("euc_kr", range(0xB0, 0xC9), range(0xCA, 0xFE))
    found["ko"] = _Alphabet(_alike(_HANGUL, 0.65), hangul, mixed=True)
    return found


_LETTER = r"[^\W\d_a-zA-Z]"
_BESIDE_LATIN = re.compile(rf"(?<=[a-zA-Z]){_LETTER}|{_LETTER}(?=[a-zA-Z])")
_ACCENTS_IN_A_ROW = re.compile(rf"{_LETTER}(?={_LETTER}{{2}})")
# Tones and vowel points are no letters to `re`.
_MARK_IN_A_WORD = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’·–—…\u0300-\u036f\u0591-\u06ff\u0e31-\u0e4e](?=[^\W\d_])"
)


class Reading:
    """A text that one code page makes of some bytes, counted once for all languages that it may be in."""

    def __init__(self, text: str) -> None:
        self._signs = Counter(c for c in text if c > "\x7f")
        pairs = Counter((a, b) for a, b in pairwise("\n" + text) if b > "\x7f" and b.isupper())
        self._marks_in_words = len(_MARK_IN_A_WORD.findall(text))
        self._accents_in_a_row = len(_ACCENTS_IN_A_ROW.findall(text))
        self._beside_latin = len(_BESIDE_LATIN.findall(text))
        self._capitals = sum(pairs.values())
        self._capitals_in_words = sum(count for (before, _), count in pairs.items() if before.islower())

    @property
    def size(self) -> int:
        """Its signs beyond ASCII."""
        return self._signs.total()

    def likelihood(self, language: str) -> float:
        """The logarithm of how likely its signs beyond ASCII are in a language. Only differences mean
        something.
        """
        alphabet = _alphabets()[language]
        total = sum(count * _share(sign, alphabet) for sign, count in self._signs.items())
        if not alphabet.mixed:
            wrong = self._accents_in_a_row if alphabet.latin else self._beside_latin
            total += _MISPLACED * (wrong + self._marks_in_words + self._capitals_in_words)
            total += _CAPITAL * self._capitals
        return total


def _share(sign: str, alphabet: _Alphabet) -> float:
    if sign == "\ufffd" or "\x80" <= sign < "\xa0" or "\ue000" <= sign < "\uf900":
        return _BROKEN
    for form in (sign, sign.lower()[0]):
        if (share := alphabet.shares.get(form)) is not None:
            return share
    return _USUAL_MARK if sign in _PUNCTUATION else alphabet.others(sign)
