"""What is known of somebody's looks leaves a caption in whole phrases: none is cut in its middle."""

from __future__ import annotations

import pytest

from mrvideo.captioning.looks import without_looks, words_of

LOOKS = {
    "person_a": "woman with brown hair, yellow hat; red jacket, blue jeans",
    "person_b": "bald man with a grey beard; white polo shirt, dark trousers",
    "dog_a": "small terrier, white coat with a brown patch over one eye; green collar",
}


def shortened(text: str) -> str:
    return without_looks(text, {name: words_of(look) for name, look in LOOKS.items()})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        # What is known goes; the comma before what follows stays, which may be a verb or a thing.
        ("<person_a>, in yellow hat, brown hair, red jacket, walks in.", "<person_a>, walks in."),
        ("Then <person_a>, brown hair, blue jeans, sits down, and waits.", "Then <person_a>, sits down, and waits."),
        # What is not known stays between commas, wherever it stands among what is.
        ("<person_a>, in yellow hat, long scarf, red jacket, walks in.", "<person_a>, long scarf, walks in."),
        ("<person_a>, long scarf, red jacket, walks in.", "<person_a>, long scarf, walks in."),
        ("<person_a>, red jacket, long scarf, walks in.", "<person_a>, long scarf, walks in."),
        ("<person_a>, red jacket, about thirty, blue jeans, waves.", "<person_a>, about thirty, waves."),
        ("<person_a>, red jacket, striped socks, torn gloves, waves.", "<person_a>, striped socks, torn gloves, waves."),
        ("<person_a>, red jacket, and green shoes, waves.", "<person_a>, and green shoes, waves."),
        # One phrase that holds both stays whole.
        ("<person_a>, green boots and a red jacket, waves.", "<person_a>, green boots and a red jacket, waves."),
        # Looks at a sentence's end.
        ("On the bench sits <person_a>, in yellow hat, brown hair, red jacket.", "On the bench sits <person_a>."),
        ("On the bench sits <person_a>, red jacket, torn gloves.", "On the bench sits <person_a>, torn gloves."),
        # What is done is no look, though it is told of them; what is worn is one.
        ("<person_a>, red jacket, adjusts her yellow hat, and smiles.", "<person_a>, adjusts her yellow hat, and smiles."),
        ("<person_a>, red jacket, smiling, sits down.", "<person_a>, smiling, sits down."),
        ("<person_a>, brown hair, wears a red jacket, and sits.", "<person_a>, and sits."),
        ("<person_a>, smiling, sits down.", "<person_a>, smiling, sits down."),
        # Several are named.
        (
            "<person_a>, in yellow hat, brown hair, and <person_b>, a bald man, grey beard, talk.",
            "<person_a>, and <person_b>, talk.",
        ),
        ("<person_a>, red jacket, <person_b>, bald, and a boy run.", "<person_a>, <person_b>, and a boy run."),
        ("<person_a>, beside <person_b>, in dark trousers, grey beard, laughs.", "<person_a>, beside <person_b>, laughs."),
    ],
)  # fmt: skip
def test_looks_go_and_stay_in_whole_phrases(text: str, kept: str) -> None:
    """Of "<a>, in yellow hat, brown hair, red jacket" there was left "<a> brown hair, red jacket"."""
    assert shortened(text) == kept


@pytest.mark.parametrize(
    ("look", "text", "kept"),
    [
        (
            "medium-sized dog, black coat with white on legs, belly and tail tip",
            "On pavement, <one_a>, a medium-sized black dog with brown on the hind legs, white paws, a white muzzle and "
            "a bushy tail, stands with its legs on a skateboard.",
            "On pavement, <one_a>, white paws, a white muzzle and a bushy tail, stands with its legs on a skateboard.",
        ),
        (
            "baseball batter seen from behind, short dark hair; dark grey top, black knee-length shorts, black socks",
            "In a batting cage, <one_a>, in a dark grey top with black sleeves, a cap, black shorts, high black socks "
            "and light shoes, stands with his back to the camera.",
            "In a batting cage, <one_a>, a cap, high black socks and light shoes, stands with his back to the camera.",
        ),
        (
            "uniformed man, stocky; light domed helmet, dark belted knee-length coat, truncheon at the hip",
            "On the left <one_a>, in a light domed helmet and a dark belted coat with a truncheon, faces forward, one arm "
            "raised across his chest.",
            "On the left <one_a>, faces forward, one arm raised across his chest.",
        ),
        (
            "young Black man, short black hair, thin moustache; black suit, white shirt, black tie",
            "The dog turns to <one_a>, a man with very short black hair, black suit, white shirt and dark tie, who sits "
            "behind it, a hand on the wheel.",
            "The dog turns to <one_a>, who sits behind it, a hand on the wheel.",
        ),
        (
            "slim man with very short black hair; black jacket with a raised collar, black trousers, dark shoes",
            "In the same room, <one_a>, a slim man with very short black hair, in a black jacket with a raised collar, "
            "black trousers and dark shoes, comes in at the lower edge, left of the middle.",
            "In the same room, <one_a>, comes in at the lower edge, left of the middle.",
        ),
    ],
)
def test_captions_of_a_real_film_keep_their_grammar(look: str, text: str, kept: str) -> None:
    """Written by a model of other footage than the rules were made from."""
    assert without_looks(text, {"one_a": words_of(look)}) == kept


HELD_OUT = {
    "person_a": "old woman with white curly hair, round glasses; purple coat, green scarf",
    "person_b": "boy about ten, freckles, ginger hair; striped jumper, shorts",
    "robot_a": "tall grey robot, dented left arm; yellow hands",
}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "<person_a>, purple coat, green scarf, handbag, opens the door.",
            "<person_a>, handbag, opens the door.",
        ),
        (
            "Behind <person_a>, an old woman in a purple coat, <person_b>, freckles, ginger hair, rucksack, runs past.",
            "Behind <person_a>, <person_b>, rucksack, runs past.",
        ),
        (
            "<robot_a>, tall, grey, dented left arm, lifts a crate with yellow hands, turns, and rolls off.",
            "<robot_a>, lifts a crate with yellow hands, turns, and rolls off.",
        ),
        (
            "<person_b>, ginger hair, striped jumper, muddy knees, kicks a ball, chased by <person_a>, in a purple coat.",
            "<person_b>, muddy knees, kicks a ball, chased by <person_a>.",
        ),
        (
            "<person_a> and <person_b>, ginger hair, striped jumper, shake hands.",
            "<person_a> and <person_b>, shake hands.",
        ),
        (
            "The boy looks at <robot_a>, a grey robot, yellow hands, one eye glowing, and laughs.",
            "The boy looks at <robot_a>, one eye glowing, and laughs.",
        ),
        (
            "<person_a>, green scarf, sits; <person_b>, shorts, stands.",
            "<person_a>, sits; <person_b>, stands.",
        ),
        (
            "<person_a>, who wears a purple coat, green scarf, leaves.",
            "<person_a>, leaves.",
        ),
    ],
)
def test_looks_of_others_go_in_whole_phrases_too(text: str, kept: str) -> None:
    """A thing nobody listed, ahead of the verb, lost its comma: "<a> handbag, opens the door"."""
    assert without_looks(text, {name: words_of(look) for name, look in HELD_OUT.items()}) == kept
