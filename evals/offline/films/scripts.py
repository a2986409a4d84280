"""Three short scenes with cues in Chinese, Japanese and Arabic. The pictures bear figures and Latin letters
only.
"""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import AMBER, CREAM, INK, NIGHT, WHITE, Words
from mrvideo.evals.offline.scenery import box, over, room, shaded, street, talker, together, vehicle, walker

FILM = Film(
    name="scripts",
    shots=(
        Shot(
            6.0,
            shaded((60, 30, 40), (120, 60, 60)),
            (Words("THREE CITIES", 320, 170, size=40, ink=CREAM, bold=True),),
        ),
        Shot(
            22.0,
            room((206, 186, 150), (120, 90, 66), table=(96, 62, 44)),
            (
                Words("TEA 18", 470, 130, size=26, ink=CREAM, plate=(110, 40, 30)),
                Words("No. 3", 560, 60, size=18, plate=CREAM),
            ),
            together(
                talker((60, 80, 110), x=230, foot=350, tall=200),
                talker((150, 50, 60), x=420, foot=350, tall=190),
            ),
        ),
        Shot(
            20.0,
            street((190, 200, 196), ((160, 120, 100), (180, 170, 150), (140, 130, 120))),
            (Words("BUS 52", 300, 212, size=28, ink=AMBER, plate=NIGHT),),
            vehicle((40, 120, 90), start=180, speed=0, long=260, foot=334),
            hand_held=True,
        ),
        Shot(
            22.0,
            over(room((196, 204, 210), (110, 112, 118)), box(250, 60, 600, 140, (20, 30, 60), None)),
            (
                Words("17:30  EXIT C4", 424, 100, size=24, ink=AMBER),
                Words("LOST + FOUND", 424, 190, size=22, ink=WHITE, plate=(40, 90, 60)),
            ),
            together(
                talker((40, 60, 120), x=180, foot=350, tall=200), walker((90, 90, 90), start=640, speed=-36)
            ),
        ),
        Shot(
            18.0,
            shaded((40, 50, 90), (120, 110, 140)),
            (Words("PLATFORM 12", 320, 90, size=26, ink=WHITE, plate=(30, 60, 130)),),
            vehicle((200, 206, 214), start=-520, speed=44, long=520, foot=320),
        ),
        Shot(
            24.0,
            street((230, 206, 160), ((214, 180, 130), (200, 160, 110), (226, 196, 150))),
            (Words("CAFE NUR", 320, 130, size=26, ink=WHITE, plate=(30, 90, 90)),),
            together(
                talker((110, 70, 50), x=240, foot=350, tall=180),
                talker((60, 100, 70), x=430, foot=350, tall=180),
            ),
        ),
        Shot(
            18.0,
            room((226, 210, 170), (150, 110, 80), table=(110, 70, 46)),
            (Words("1962", 500, 130, size=24, ink=INK, plate=CREAM, frame=INK),),
            talker((60, 100, 70), x=230, foot=350, tall=210),
        ),
    ),
    cues=(
        (6.6, 10.4, "小李：王老师，您为什么每天都来这家茶馆？"),
        (11.0, 15.6, "王老师：因为三十年前，我在这里认识了我的妻子。"),
        (16.2, 20.4, "小李：那时候一杯茶多少钱？"),
        (20.8, 24.2, "王老师：五分钱，还送一碟瓜子。"),
        (24.6, 27.4, "[茶杯声]"),
        (28.8, 33.2, "我们错过了最后一班去植物园的公共汽车，"),
        (33.3, 37.4, "只好走路回家，走了两个小时。"),
        (38.0, 42.4, "小李：下次我骑自行车来。"),
        (48.6, 53.0, "佐藤：すみません、電車に傘を忘れてしまいました。"),
        (53.6, 57.6, "駅員：どんな傘ですか。"),
        (58.0, 62.6, "佐藤：祖母にもらった、柄が竹でできた傘です。"),
        (63.2, 67.6, "駅員：昨日、大阪から三本届いています。"),
        (70.8, 75.4, "佐藤さんは次の特急で名古屋へ行きます。"),
        (76.0, 80.6, "会議は午後四時に始まるので、間に合いません。"),
        (81.2, 85.4, "でも、傘のほうが大切だと言いました。"),
        (88.8, 93.6, "سليم: متى افتتح جدك هذا المقهى؟"),
        (94.2, 99.0, "ليلى: قبل ستين سنة، وكان يبيع الخبز أولاً."),
        (99.6, 104.0, "سليم: ولماذا توقف عن بيع الخبز؟"),
        (104.6, 109.6, "ليلى: لأن الفرن احترق في ليلة العيد."),
        (112.8, 117.6, "هذه الصورة القديمة وجدتها أمي تحت السجادة."),
        (118.2, 123.0, "سر القهوة عندنا هو الهيل وقليل من الصبر."),
        (123.6, 128.4, "ليلى: تعال يوم الجمعة، سنطبخ السمك."),
    ),
)
