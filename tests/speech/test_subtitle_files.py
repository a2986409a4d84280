"""Subtitle files: what is read, what is repaired, and that nothing is lost in silence."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles import load_cues, load_subtitles
from mrvideo.media.subtitles.encoding import decode
from mrvideo.media.subtitles.languages import language_of
from mrvideo.media.subtitles.parse import parse


def words(text: str, name: str = "talk.srt") -> list[str]:
    return [line.text for line in parse(text.encode(), name).lines]


def srt(*texts: str) -> str:
    return "".join(
        f"{n}\n00:00:{n:02d},000 --> 00:00:{n + 1:02d},000\n{text}\n\n" for n, text in enumerate(texts, 1)
    )


def test_srt_is_read_without_tags_and_positions():
    text = srt(
        '<font color="#fff">{\\an8}Hello</font> <i>you</i>', "a < b &amp; c", "I <3 it\n{laughs}\n[music]"
    )
    assert words(text) == ["Hello you", "a < b & c", "I <3 it {laughs} [music]"]


def test_a_number_as_the_last_words_is_no_block_number():
    assert words(srt("How many?\n42", "42", "Answer it\n7").rstrip()) == ["How many? 42", "42", "Answer it 7"]


def test_times_among_the_words_are_words():
    text = srt("from 00:01:00,000 to 00:02:00,000", "next")
    assert words(text) == ["from 00:01:00,000 to 00:02:00,000", "next"]


def test_line_ends_of_every_system_and_missing_blank_lines_are_read():
    assert words(srt("one", "two").replace("\n", "\r\n")) == ["one", "two"]
    assert words(srt("one", "two").replace("\n", "\r")) == ["one", "two"]
    assert words(srt("one", "two").replace("\n\n", "\n")) == ["one", "two"]
    assert words("00:01,500 --> 00:02,000\nshort stamps\n\n00:03.5 --> 00:04.25\nfew digits") == [
        "short stamps",
        "few digits",
    ]


def test_unreadable_blocks_are_counted():
    text = srt("one", "two", "three").replace("00:00:02,000 -->", "00:00:0x,000 -->", 1)
    parsed = parse(text.encode(), "talk.srt")
    assert [line.text for line in parsed.lines] == ["one", "three"]
    assert parsed.notes == ("unreadable blocks left out: 1",)


def test_a_block_without_its_timing_line_is_counted_and_not_said_by_the_one_before():
    text = srt("one", "two", "three").replace("00:00:02,000 --> 00:00:03,000\n", "")
    parsed = parse(text.encode(), "talk.srt")
    assert [line.text for line in parsed.lines] == ["one", "three"]
    assert "left out: 1" in parsed.notes[0]


def test_a_file_that_is_cut_off_says_so():
    parsed = parse(srt("one", "two")[:-14].encode(), "talk.srt")
    assert [line.text for line in parsed.lines] == ["one"]
    assert "left out: 1" in parsed.notes[0]


def test_hours_beyond_what_srt_holds_are_not_read_as_other_times():
    text = "1\n100:00:01,000 --> 100:00:02,000\nfar\n\n" + srt("near")
    parsed = parse(text.encode(), "talk.srt")
    assert [line.text for line in parsed.lines] == ["near"]
    assert "left out: 1" in parsed.notes[0]


VTT = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: red }

NOTE
00:00:00.000 to 00:00:09.000
this is a comment

intro-1
00:01.000 --> 00:02.500 align:start position:10% line:0
<v.loud Esme Smith>Hello <c.yellow>there</c></v>

00:00:02.000 --> 00:00:03.000
<v Roger>It&rsquo;s 5 &lt; 6&nbsp;
<v Esme Smith>&lrm;True

42
00:00:03.000 --> 00:00:04.000
how many?
42
"""


def test_webvtt_with_its_blocks_names_settings_and_voices():
    parsed = parse(VTT.encode(), "talk.vtt")
    assert [(line.start_ms, line.stop_ms, line.speaker, line.text) for line in parsed.lines] == [
        (1000, 2500, "Esme Smith", "Hello there"),
        (2000, 3000, "Roger", "It’s 5 < 6"),
        (2000, 3000, "Esme Smith", "True"),
        (3000, 4000, None, "how many? 42"),
    ]
    assert parsed.notes == ()


def test_live_captions_that_roll_are_read_once():
    blank = " "  # a row with a space does not end a block
    text = f"""WEBVTT

00:00:00.000 --> 00:00:02.000 align:start position:0%
{blank}
hello<00:00:00.500><c> there</c><00:00:01.000><c> all</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
hello there all
{blank}

00:00:02.010 --> 00:00:04.000 align:start position:0%
hello there all
welcome<00:00:03.000><c> back</c>

00:00:04.000 --> 00:00:04.010
welcome back
{blank}
"""
    assert words(text, "talk.vtt") == ["hello there all", "welcome back"]


ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial,20,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not said
Dialogue: 1,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,,{\\pos(1,2)}Hello,\\Nyou {a note}
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Anna,0,0,0,,{\\bord3}Hello,\\Nyou
Dialogue: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}
Dialogue: 0,0:00:xx.00,0:00:03.00,Default,,0,0,0,,broken
Dialogue: 0,0:00:03
"""


def test_ass_gives_words_once_without_drawings_and_counts_broken_lines():
    parsed = parse(ASS.encode(), "talk.ass")
    assert [(line.start_ms, line.stop_ms, line.speaker, line.text) for line in parsed.lines] == [
        (1000, 2500, "Anna", "Hello, you")
    ]
    assert parsed.notes == ("unreadable blocks left out: 2",)


def test_the_order_of_fields_is_the_files_own():
    text = (
        "[V4 Styles]\nFormat: Name, Fontname\n\n[Events]\n"
        "Format: Marked, Style, Name, Start, End, Text\n"
        "Dialogue: Marked=0,Default,Ben,0:00:01.00,0:00:02.00,well, yes\n"
    )
    (line,) = parse(text.encode(), "talk.ssa").lines
    assert (line.start_ms, line.stop_ms, line.speaker, line.text) == (1000, 2000, "Ben", "well, yes")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "Grüße — naïve"),
        ("utf-16", "Grüße — naïve"),
        ("utf-16-le", "plain words without a mark"),
        (
            "cp1252",
            "Ça va être une très belle journée, déjà l’été à la forêt. Où étais-tu, mon frère? Voilà.",
        ),
        ("cp1252", "Schöne Grüße aus München, wir müssen über die Brücke gehen. Wo ist mein Schlüssel?"),
        ("cp1250", "Zażółć gęślą jaźń, proszę państwa. Dzień dobry, jak się masz, przyjacielu?"),
        ("cp1254", "Günaydın, nasılsın? Bugün hava çok güzel, dışarı çıkalım mı arkadaşım?"),
        ("cp1251", "Привет, как дела? Мы давно не виделись, расскажи мне всё, что случилось с тобой."),
        ("cp932", "こんにちは、お元気ですか。今日はとても良い天気ですね。明日は雨が降るでしょう。"),
        ("gb18030", "你好，今天天气很好，我们一起去公园散步吧。明天可能会下雨，记得带伞。"),
        ("cp949", "안녕하세요, 오늘 날씨가 참 좋네요. 우리 같이 공원에 산책하러 갑시다."),
    ],
)
def test_encodings_are_found(encoding, text):
    (line,) = parse(srt(text).encode(encoding), "talk.srt").lines
    assert line.text == text


SHORT = [
    ("he", "cp1255", "שלום לכולם ברוכים הבאים", "איפה התחנה"),
    ("ja", "euc_jp", "今日はいい天気ですね。", "駅前で会いましょう。"),
    ("ja", "cp932", "分かりました、すぐに行きます。", "はい"),
    ("ko", "euc_kr", "오늘 뭐 했어요?", "집에 갔습니다."),
    ("zh", "gb18030", "你好，今天天气很好。", "我们走吧！"),
    ("zh", "big5", "你好，今天天氣很好。", "我們走吧！"),
    ("ru", "koi8_r", "Где здесь вокзал?", "Я не знаю."),
    ("uk", "cp1251", "Де тут вокзал?", "Я не знаю, ходімо їсти."),
    ("el", "cp1253", "Πού είναι ο σταθμός;", "Δεν ξέρω."),
    ("ar", "cp1256", "أين المحطة من فضلك؟", "لا أعرف"),
    ("th", "cp874", "สถานีรถไฟอยู่ที่ไหน", "ไม่รู้ครับ"),
    ("pl", "iso8859_2", "Gdzie jest dworzec, proszę pana?", "Idź prosto, później w lewo. Są też łóżka."),
    ("cs", "cp1250", "Kde je tady nádraží, prosím?", "Nevím, zeptejte se někoho jiného."),
    ("fr", "cp1252", "Où est la gare, s’il vous plaît ?", "Là-bas, à côté de l’église."),
]


@pytest.mark.parametrize(
    ("language", "encoding", "first", "second"), SHORT, ids=[f"{short[0]} in {short[1]}" for short in SHORT]
)
def test_two_lines_are_enough_to_know_an_encoding(language, encoding, first, second):
    """A wrong code page reads without an error: as other letters, which are then captioned, searched and
    cited.
    """
    data = srt(first, second).encode(encoding)
    for known in (None, language):
        assert [line.text for line in parse(data, "talk.srt", known).lines] == [first, second]


@pytest.mark.parametrize("language", ["he", "Hebrew", "heb"])
def test_the_language_asked_for_is_that_of_a_file_whose_name_says_none(make_video, tmp_path, language):
    """A word of three letters reads as Cyrillic, Greek or Thai just as well."""
    path = make_video()
    named = tmp_path / "words.srt"
    named.write_bytes(srt("רמת", "גן").encode("cp1255"))
    cues = load_cues(path, subtitles=named, language=language)
    assert [(cue.text, cue.language) for cue in cues] == [("רמת", "he"), ("גן", "he")]
    russian = tmp_path / "words.ru.srt"
    russian.write_bytes(srt("щов").encode("cp1251"))
    (cue,) = load_cues(path, subtitles=russian, language=language)
    assert (cue.text, cue.language) == ("щов", "ru"), "what the name says goes before"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("今日は".encode("iso2022_jp"), "今日は"),
        (b"\xff\xfe\x00\x00" + "今日は".encode("utf-32-le"), "今日は"),
        ("<?xml version='1.0' encoding='windows-1251'?>Да".encode("cp1251"), "Да"),
        ("<?xml version='1.0' encoding='windows-1251'?>Да".encode(), "Да"),
    ],
    ids=["an escape", "a mark", "a declaration", "a false declaration"],
)
def test_what_the_bytes_themselves_say_goes_before_any_guess(data, text):
    assert decode(data)[0].endswith(text)


def test_the_language_in_a_files_name_settles_its_encoding(make_video):
    path: Path = make_video()
    text = "Ačiū, viskas gerai, mano žmogau, einam į žvejybą."
    path.with_suffix(".lt.srt").write_bytes(srt(text).encode("cp1257"))
    assert load_cues(path)[0].text == text


def test_a_few_broken_bytes_do_not_turn_a_utf8_file_into_another_encoding():
    parsed = parse(srt("Grüße", "schöne Tage").encode()[:-8] + b"\xc3", "talk.srt")
    assert parsed.lines[0].text == "Grüße"
    assert parsed.notes == ("broken characters: 1",)


def test_what_is_no_subtitle_file_is_refused_in_one_line():
    for data in (b"<html><body>404</body></html>", b"\x89PNG\r\n" + bytes(range(256)), b"just words\n"):
        with pytest.raises(SubtitleError) as caught:
            parse(data, "talk.srt")
        assert "\n" not in str(caught.value)


def test_formats_beyond_the_usual_ones_are_read_when_named():
    ttml = (
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
        '<p begin="00:00:01.000" end="00:00:02.000">Hello</p></div></body></tt>'
    )
    assert words(ttml, "talk.ttml") == ["Hello"]
    with pytest.raises(SubtitleError):
        parse(ttml[:60].encode(), "talk.ttml")
    with pytest.raises(SubtitleError, match="counts in frames"):
        parse(b"{10}{20}Hello\n{30}{40}you\n", "talk.sub")


def said(text: str, name: str, language: str | None = None) -> list[tuple[int, int, str]]:
    return [(line.start_ms, line.stop_ms, line.text) for line in parse(text.encode(), name, language).lines]


def test_sami_lines_end_where_the_next_one_of_their_class_begins():
    text = (
        "<SAMI><HEAD><STYLE><!-- .KR {Name: Korean; lang: ko-KR;} .EN {lang: en-US;} --></STYLE></HEAD><BODY>\n"
        "<SYNC Start=1000><P Class=KR>첫째<P Class=EN>first\n<SYNC Start=2000><P Class=EN>&nbsp;\n"
        "<SYNC Start=3000><P Class=KR>&nbsp;<SYNC Start=4000><P Class=KR>둘<br>째</BODY></SAMI>"
    )
    assert said(text, "talk.smi") == [(1000, 3000, "첫째"), (4000, 4000, "둘 째"), (1000, 2000, "first")]
    assert said(text, "talk.smi", "en") == [(1000, 2000, "first")]
    assert "left out: ko" in parse(text.encode(), "talk.smi", "en").notes[0]
    broken = parse(text.replace("Start=3000", "Start=soon").encode(), "talk.smi", "ko")
    assert "unreadable blocks left out: 1" in broken.notes


TTML = """<?xml version="1.0"?><!-- a note -->
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:p="http://www.w3.org/ns/ttml#parameter" p:frameRate="25" p:tickRate="1000">
<head><metadata><desc>not said</desc></metadata></head>
<body><div begin="10s">
 <p begin="00:00:01:05" dur="2s">One &amp; <span>two</span><br/>
   three&nbsp;four {laughs}</p>
 <p begin="2000t" end="00:00:03.5">ticks</p>
 <div timeContainer="seq"><p dur="1s">first</p><p dur="2s">then</p></div>
 <p><span begin="4s" end="5s">a line</span><br/><span begin="6s" end="7s">another</span></p>
 <p begin="soon" end="9s">at no time</p>
</div><div><p>nowhere</p></div></body></tt>"""


def test_ttml_times_of_every_kind_are_read_and_what_has_none_is_counted():
    assert said(TTML, "talk.ttml") == [
        (11_200, 13_200, "One & two three four {laughs}"),
        (12_000, 13_500, "ticks"),
        (10_000, 11_000, "first"),
        (11_000, 13_000, "then"),
        (14_000, 15_000, "a line"),
        (16_000, 17_000, "another"),
    ]
    assert parse(TTML.encode(), "talk.ttml").notes == ("unreadable blocks left out: 2",)


def test_ttml_that_breaks_off_keeps_what_stands_before_and_says_so():
    parsed = parse(TTML[: TTML.index("<div timeContainer")].encode(), "talk.xml")
    assert [line.text for line in parsed.lines] == ["One & two three four {laughs}", "ticks"]
    assert "broken at line 8" in parsed.notes[0]


P = "<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p begin='1s' end='2s'>"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (P + "<span>" * 20_000, "deep"),
        ("<!DOCTYPE tt [<!ENTITY a 'aaaaaaaaaa'>]>" + P + "&a;</p></div></body></tt>", "entities"),
        (P.replace("1s", "9" * 400 + "s") + "a</p></div></body></tt>", "no subtitle"),
        (
            "<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p end='x'>a</p></div></body></tt>",
            "no subtitle",
        ),
        ("<html><tt>a</tt></html>", "<html>"),
        ("<tt/>", "no subtitle"),
    ],
    ids=["deep", "entities", "too far", "no begin", "no TTML", "empty"],
)
def test_ttml_that_cannot_be_read_is_refused_in_one_line(text, says):
    with pytest.raises(SubtitleError, match=says) as caught:
        parse(text.encode(), "talk.ttml")
    assert "\n" not in str(caught.value)


LETTERS = "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"


def test_karaoke_by_letters_is_one_line():
    """An effect gives each letter lines of its own, in several layers: 500 cues of one letter for a song."""
    placed, row = "", 100
    for number, letter in enumerate("so long"):
        start = 100 + number * 10
        if letter != " ":
            for layer, stop, codes in ((0, 300, ""), (1, start + 10, "\\\\1c&H00FF&")):
                placed += (
                    f"Dialogue: {layer},0:00:0{start / 100:.2f},0:00:0{stop / 100:.2f},Song,,0,0,0,fx,"
                    f"{{\\pos({row},40){codes}}}{letter}\n"
                )
        row += 12
    assert said(LETTERS + placed, "song.ass") == [(1000, 3000, "so long")]

    template = "Comment: 0,0:00:01.00,0:00:03.00,Song,,0,0,0,karaoke,{\\k20}so {\\k20}long\n"
    assert said(LETTERS + template + placed.replace("pos(", "org("), "song.ass") == [(1000, 3000, "so long")]
    assert said(LETTERS + template + "Dialogue: 0,0:00:01.00,0:00:02.00,S,,0,0,0,,hi\n", "song.ass") == [
        (1000, 2000, "hi")
    ], "a comment that no effect was made from is not said"

    syllables = "Dialogue: 0,0:00:01.00,0:00:03.00,Song,,0,0,0,,{\\k20}so {\\k20}lo{\\k5}ng\n"
    assert said(LETTERS + syllables, "song.ass") == [(1000, 3000, "so long")]

    alone = "".join(f"{n}\n00:00:01,{n}00 --> 00:00:01,{n + 1}00\n{c}\n\n" for n, c in enumerate("long", 1))
    assert said(alone, "song.srt") == [(1100, 1500, "long")]
    growing = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n + 1},000\n{'long'[:n]}\n\n" for n in (1, 2, 3, 4))
    assert said(growing, "song.srt") == [(1000, 5000, "long")]
    assert words(srt("No", "No, never")) == ["No", "No, never"], "two voices, the second repeating the first"


def test_words_around_a_drawing_are_kept():
    row = "Dialogue: 0,0:00:01.00,0:00:02.00,S,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}said\n"
    assert said(LETTERS + row, "talk.ass") == [(1000, 2000, "said")]


def test_formats_of_one_line_a_row_are_read_and_their_broken_rows_counted():
    assert said("{1}{1}25\n{25}{50}{y:i}one|two\n{75}{}end less\n", "talk.sub") == [
        (1000, 2000, "one two"),
        (3000, 3000, "end less"),
    ]
    assert said("[10][25]/one|two\n", "talk.txt") == [(1000, 2500, "one two")]
    assert said("00:00:01:one\n00:00:03:two\n", "talk.txt") == [(1000, 1000, "one"), (3000, 3000, "two")]
    assert said("[00:01.000 --> 00:02.500]  one\n", "talk.txt") == [(1000, 2500, "one")]
    assert parse(b"[10][25]one\n[x][30]two\n", "talk.txt").notes == ("unreadable blocks left out: 1",)
    for rate in ("0", "nan", "inf", "1e999", "9" * 400):
        with pytest.raises(SubtitleError, match="counts in frames"):
            parse(f"{{1}}{{1}}{rate}\n{{10}}{{20}}a\n".encode(), "talk.sub")


def test_cues_without_a_length_get_one_and_are_counted(make_video):
    path: Path = make_video()
    path.with_suffix(".srt").write_text(
        "1\n00:00:01,000 --> 00:00:01,000\nzero\n\n2\n00:00:01,500 --> 00:00:01,200\nbackwards\n\n"
        "3\n-00:00:02,000 --> 00:00:00,500\nearly\n\n4\n00:01:00,000 --> 00:01:01,000\nlate\n"
    )
    found = load_subtitles(path)
    assert [(c.start_seconds, c.stop_seconds, c.text) for c in found.cues] == [
        (0.0, 0.5, "early"),
        (1.0, 1.5, "zero"),
        (1.5, 3.5, "backwards"),
        (60.0, 61.0, "late"),
    ]
    assert any("2 without a length" in note for note in found.notes)
    assert any("1 of 4 start after the video's end" in note for note in found.notes)


def test_a_name_made_up_in_another_way_is_the_same_name(make_video):
    """A Mac takes é apart into e and an accent; subtitles from elsewhere have it in one piece."""
    path: Path = make_video("cafe\u0301.mkv")
    beside = path.with_name("caf\u00e9.fr.srt")
    beside.write_text(srt("bonjour"))
    assert [(cue.text, cue.language) for cue in load_cues(path)] == [("bonjour", "fr")]
    path = path.rename(path.with_name("caf\u00e9.mkv"))
    beside.rename(path.with_name("cafe\u0301.srt"))
    assert [cue.text for cue in load_cues(path)] == ["bonjour"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.timeout(60)
def test_a_pipe_is_refused_at_once_and_not_waited_for(make_video, tmp_path):
    """Opened as a file it waits for a writer for ever."""
    path: Path = make_video()
    os.mkfifo(tmp_path / "x.srt")
    with pytest.raises(SubtitleError, match="named pipe"):
        load_cues(path, subtitles=tmp_path / "x.srt")
    os.mkfifo(path.with_suffix(".srt"))
    found = load_subtitles(path)
    assert found.cues == () and "named pipe" in found.notes[0]


def test_a_huge_file_is_refused_unread(make_video, tmp_path):
    huge = tmp_path / "huge.srt"
    with huge.open("wb") as file:
        file.truncate(6 << 30)
    tracemalloc.start()
    with pytest.raises(SubtitleError, match="6144 MB is too big for a subtitle file, at most 64 MB"):
        load_cues(make_video(), subtitles=huge)
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()


def test_overlapping_cues_are_kept_in_order(make_video):
    path: Path = make_video()
    path.with_suffix(".vtt").write_text(
        "WEBVTT\n\n00:02.000 --> 00:03.000\nb\n\n00:01.000 --> 00:03.500\na\n"
    )
    assert [cue.text for cue in load_cues(path)] == ["a", "b"]


def test_a_sidecars_zero_is_where_a_player_starts(make_video):
    # Sound from 1.0 s, pictures from 1.5 s: a player starts at 1.0, the video's clock at 1.5.
    sound = np.zeros(48_000 * 2, np.int16)
    path: Path = make_video(first_picture_seconds=1.5, sound=sound, sound_starts_seconds=1.0)
    path.with_suffix(".srt").write_text(srt("one"))
    assert abs(load_cues(path)[0].start_seconds - 0.5) < 0.01


def test_files_beside_are_found_by_name_language_and_flags(make_video):
    path: Path = make_video("talk.one.mkv")
    for name, text in {
        "talk.one.en.forced.srt": "forced",
        "talk.one.de.srt": "deutsch",
        "talk.one.pt-BR.VTT": "WEBVTT\n\n00:01.000 --> 00:02.000\nportuguês",
        "talk.one.part2.srt": "another film",
        "talk.srt": "another film",
    }.items():
        path.with_name(name).write_text(text if text.startswith("WEBVTT") else srt(text), encoding="utf-8")
    assert load_cues(path, language="pt")[0].text == "português"
    assert load_cues(path, language="German")[0].language == "de"
    assert load_cues(path)[0].text == "deutsch"  # never the forced ones first
    path.with_name("talk.one.srt").write_text(srt("plain"))
    assert load_cues(path)[0].text == "plain"
    path.with_name("talk.one.srt").unlink()
    path.with_name("talk.one.mkv.srt").write_text(srt("whole name"))
    assert load_cues(path)[0].text == "whole name"


def test_a_broken_file_beside_is_said_and_the_next_one_taken(make_video):
    path: Path = make_video(subtitles=[("subrip", "eng", [(1.0, 1.0, b"inside")])])
    path.with_suffix(".srt").write_bytes(b"\x00\x01garbage")
    found = load_subtitles(path)
    assert found.cues[0].text == "inside"
    assert "talk.srt" in found.notes[0]


def test_only_a_broken_file_beside_is_an_error_for_who_sees_no_notes(make_video):
    path: Path = make_video()
    path.with_suffix(".srt").write_bytes(b"garbage")
    assert load_subtitles(path).notes
    with pytest.raises(SubtitleError, match=r"talk\.srt"):
        load_cues(path)


def test_a_named_file_that_is_missing_or_no_subtitles_is_refused(make_video, tmp_path):
    path = make_video()
    with pytest.raises(SubtitleError, match="no such subtitle file"):
        load_cues(path, subtitles=tmp_path / "none.srt")
    with pytest.raises(SubtitleError, match="cannot be read"):
        load_cues(path, subtitles=tmp_path)
    (tmp_path / "x.srt").write_text("nothing")
    with pytest.raises(SubtitleError, match=r"x\.srt"):
        load_cues(path, subtitles=tmp_path / "x.srt")


def test_language_tags_are_told_from_other_words():
    assert [language_of(tag) for tag in ("eng", "EN-us", "German", "ger", "und", "part2", None)] == [
        "en",
        "en",
        "de",
        "de",
        None,
        None,
        None,
    ]
