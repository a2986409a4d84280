"""A journey through six countries: signs and cues in German, French, Spanish, Portuguese, Italian and Dutch."""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import CREAM, INK, NIGHT, WHITE, Colour, Words
from mrvideo.evals.offline.scenery import box, over, room, shaded, street, talker, together, vehicle, walker

_COAT: Colour = (200, 120, 40)
_RED: Colour = (176, 34, 40)
_GREEN: Colour = (24, 104, 66)
_BLUE: Colour = (28, 70, 140)


def _arrival(name: str) -> Shot:
    return Shot(
        4.0, shaded((40, 60, 80), (90, 120, 130)), (Words(name, 320, 170, size=40, ink=CREAM, bold=True),)
    )


FILM = Film(
    name="signs",
    shots=(
        _arrival("FREIBURG"),
        Shot(
            16.0,
            street((180, 200, 214), ((206, 180, 130), (180, 120, 100), (200, 196, 180))),
            (
                Words("BÄCKEREI MÜLLER", 330, 130, size=24, ink=WHITE, plate=(110, 60, 30)),
                Words("Geöffnet 6-18 Uhr", 330, 190, size=18, plate=CREAM),
                Words("APOTHEKE", 570, 80, size=18, ink=WHITE, plate=_RED),
            ),
            walker(_COAT, start=-20, speed=34),
            hand_held=True,
        ),
        Shot(
            12.0,
            room((206, 206, 200), (120, 116, 110)),
            (
                Words("AUSGANG", 400, 80, size=28, ink=WHITE, plate=_GREEN),
                Words("Gleis 9", 400, 160, size=28, ink=WHITE, plate=_BLUE),
                Words("Bitte nicht füttern", 400, 240, size=18, plate=CREAM),
            ),
            talker(_COAT, x=180, foot=350, tall=190),
        ),
        _arrival("LYON"),
        Shot(
            16.0,
            street((190, 206, 220), ((220, 190, 160), (206, 170, 140))),
            (
                Words("BOULANGERIE", 250, 130, size=26, ink=WHITE, plate=(120, 40, 60)),
                Words("FERMÉ LE LUNDI", 250, 200, size=18, plate=CREAM),
                Words("RUE DES ÉCOLES", 530, 70, size=18, ink=WHITE, plate=_BLUE),
            ),
            walker(_COAT, start=650, speed=-38),
            hand_held=True,
        ),
        Shot(
            12.0,
            room((190, 196, 206), (110, 110, 120)),
            (
                Words("SORTIE", 400, 90, size=28, ink=WHITE, plate=_GREEN),
                Words("Quai 2", 400, 170, size=26, ink=WHITE, plate=_BLUE),
            ),
            talker(_COAT, x=180, foot=350, tall=190),
        ),
        _arrival("SEVILLA"),
        Shot(
            26.0,
            street((150, 200, 236), ((236, 220, 190), (226, 180, 110), (240, 230, 210))),
            (
                Words("FARMACIA", 540, 100, size=22, ink=WHITE, plate=_GREEN),
                Words("MENÚ 11,50", 300, 180, size=24, plate=CREAM, when=(0.0, 14.0)),
                Words("PROHIBIDO APARCAR", 280, 230, size=20, ink=WHITE, plate=_RED, when=(14.0, 26.0)),
            ),
            walker(_COAT, start=-10, speed=24),
            hand_held=True,
        ),
        _arrival("PORTO"),
        Shot(
            26.0,
            street((170, 190, 206), ((70, 120, 170), (200, 170, 90), (160, 80, 70))),
            (
                Words("PADARIA ALEGRIA", 330, 120, size=24, ink=WHITE, plate=(120, 70, 30)),
                Words("Pão 0,90", 200, 200, size=22, plate=CREAM),
                Words("SAÍDA", 560, 210, size=22, ink=WHITE, plate=_GREEN, when=(12.0, 26.0)),
            ),
            together(
                vehicle((236, 200, 60), start=-300, speed=26, long=180, foot=340),
                talker(_COAT, x=440, foot=350, tall=150),
            ),
        ),
        _arrival("BOLOGNA"),
        Shot(
            26.0,
            over(
                room((220, 170, 130), (140, 96, 76)), box(250, 60, 600, 230, (250, 244, 230), (130, 60, 40))
            ),
            (
                Words("GELATERIA ROSSI", 424, 90, size=24, bold=True),
                Words("Pistacchio 2,80", 424, 140, size=20),
                Words("Limone 2,50", 424, 180, size=20),
                Words("BINARIO 7", 470, 280, size=24, ink=WHITE, plate=_BLUE, when=(14.0, 26.0)),
            ),
            talker(_COAT, x=160, foot=350, tall=200),
        ),
        _arrival("UTRECHT"),
        Shot(
            26.0,
            street((190, 200, 206), ((150, 80, 60), (170, 96, 70), (140, 74, 60), (160, 90, 66))),
            (
                Words("FIETSENSTALLING", 320, 110, size=24, ink=WHITE, plate=_BLUE),
                Words("TE HUUR", 110, 170, size=20, ink=INK, plate=(250, 220, 80)),
                Words("Kaas 4,25", 520, 210, size=22, plate=CREAM, when=(10.0, 26.0)),
            ),
            walker(_COAT, start=650, speed=-26),
            hand_held=True,
        ),
        Shot(6.0, shaded(NIGHT, (60, 60, 90)), (Words("ZUHAUSE", 320, 170, size=36, ink=CREAM),)),
    ),
    cues=(
        (4.6, 9.0, "Unsere Reise beginnt beim Bäcker, wie jede gute Reise."),
        (9.4, 14.2, "JONAS: Zwei Brezeln, bitte, und eine für meine Schwester."),
        (14.6, 19.4, "VERKÄUFERIN: Die letzte Brezel hat leider\nder Pfarrer gekauft."),
        (20.6, 25.4, "Der Zug nach Frankreich hat vierzig Minuten Verspätung,"),
        (25.5, 30.6, "weil eine Kuh auf den Schienen steht."),
        (36.6, 41.0, "JONAS: Bonjour madame, où se trouve le marché?"),
        (
            41.4,
            47.0,
            "LA BOULANGÈRE: Derrière l'église, mais dépêchez-vous,\nil ferme à treize heures.",
        ),
        (47.4, 51.4, "[cloches]"),
        (52.6, 57.6, "J'ai acheté un fromage qui sent si fort"),
        (57.7, 62.8, "que tout le wagon a ouvert les fenêtres."),
        (68.6, 73.4, "JONAS: ¿Qué me recomienda usted?"),
        (74.0, 79.6, "EL CAMARERO: Las sardinas, porque mi hermano\nlas ha pescado esta mañana."),
        (82.6, 87.6, "Alguien se ha llevado nuestro coche alquilado."),
        (88.0, 92.8, "- ¿La grúa?\n- La grúa, señor."),
        (98.6, 104.0, "DONA AMÉLIA: A minha avó fazia este pão\ncom farinha de milho."),
        (104.6, 110.0, "JONAS: E porque é que o elétrico nunca chega?"),
        (111.0, 116.6, "DONA AMÉLIA: Chega sempre, mas nunca\nquando a gente está à espera."),
        (117.0, 121.6, "Perdi o guarda-chuva na ponte."),
        (128.6, 134.0, "IL GELATAIO: Il pistacchio viene da Bronte,\ndove abita mia zia."),
        (134.6, 139.6, "JONAS: Allora ne prendo due palline."),
        (143.0, 148.4, "Il treno per il nord parte alle sei e un quarto,"),
        (148.5, 152.6, "e noi abbiamo dimenticato le valigie in albergo."),
        (158.6, 164.0, "JONAS: Mag ik een fiets huren voor drie dagen?"),
        (
            164.6,
            170.0,
            "DE VERHUURDER: Dat kan, maar de rode heeft geen bel.",
        ),
        (171.0, 176.0, "Mijn zus belde: de kat heeft vier jongen gekregen."),
        (176.4, 181.6, "We hebben kaas gekocht voor de buren."),
        (184.4, 187.6, "Am Ende schmeckt das Brot zu Hause am besten."),
    ),
)
