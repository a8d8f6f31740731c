"""Invented values that no text could predict: names, prices, dates, codes, in English and Japanese.

Every function draws from a ``random.Random`` that the caller seeds; ``value(kind, language, rng)``
returns a string exactly as it stands in a sentence.
"""

from random import Random

_ONSETS = "b bl br c ch d dr f g gr h j k kl l m n p pr qu r s sh st t th tr v w y z".split()
_VOWELS = "a e i o u ai ea ie oa ou".split()
_CODAS = ["", "", "", "", "l", "m", "n", "r", "s", "t", "nd", "rn", "sk", "x"]
_ROMAJI = (
    "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho "
    "ma mi mu me mo ya yu yo ra ri ru re ro wa ga gi gu go za ji zu da de do ba bi bu be bo"
).split()
_KATAKANA = list(
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"
    "ガギグゲゴザジズゼダデドバビブベボパピプペポ"
)
_TOWN_HEADS = list(
    "青赤石岩大小上中下東西南北長高深白黒新古月花松竹梅桜森林川山海雪風雨水金銀玉米麦野原春夏秋冬朝夕時嶺浜天鶴亀鹿熊"
)
_TOWN_TAILS = ["沢", "浦", "原", "野", "崎", "島", "橋", "坂", "浜", "谷", "丘", "瀬", "里", "森", "田", "川", "本", "野辺", "町", "宮"]  # fmt: skip

FIRST_NAMES = {
    "en": "Ada Alba Amos Anna Arlo Bea Ben Bram Cara Clem Cora Dara Dina Dora Edda Eli Ella Emil Enzo Erik Eva "
    "Fay Finn Flora Gil Greta Gus Hana Hugo Ida Ines Iris Ivo Jana Joel Jonas Jude June Kai Kara Ken Kira Lara "
    "Lea Lena Leo Lia Lino Lou Luca Lucy Mara Mia Milo Mina Mira Nadia Nell Nico Nils Nina Noah Nora Olga Omar "
    "Oscar Otto Pia Rena Rita Rosa Ruben Ruth Sam Sara Silas Sofia Tara Theo Tina Tom Uma Vera Yara Yuki Zoe".split(),
    "ja": "さくら 葵 陽菜 美咲 結衣 健太 大輔 直樹 翔 蓮 悠斗 花子 太郎 次郎 恵子 由美 和也 拓也 千尋 真理 "
    "麻衣 彩 美穂 涼子 明 茂 清 誠 浩 剛 愛 優 楓 凛 奈々 香織 智子 春香 夏美 秋子 冬馬 一郎 光 望 "
    "ミラ レオ ノラ ルカ エマ ハンナ トム リナ アンナ ニコ サラ ユキ みどり あかり ひかり かおる のぞみ めぐみ".split(),
}
_SURNAMES_JA = (
    "佐藤 鈴木 高橋 田中 渡辺 伊藤 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 清水 山崎 森 池田 橋本 "
    "阿部 石川 前田 藤田 小川 後藤 岡田 長谷川 村上 近藤 石井 坂本 遠藤 青木 藤井 西村 福田 太田 三浦 藤原 岡本 松田 中川"
).split()
_SURNAMES_EN = (
    "Adler Barlow Benson Calder Carver Dalton Dane Ellis Falk Farrow Glover Grant Hale Harlow Holm Hurst Ibsen "
    "Keller Lang Lowell Marsh Mercer Morley Nash Norden Oakes Palmer Pryor Quill Rowan Sandel Selby Stone Tanaka "
    "Sato Mori Ueda Okada Vance Wada Wells Winter Yates"
).split()

COLOURS = {
    "en": "red blue green yellow white black brown grey pink purple silver golden navy beige turquoise "
    "charcoal ivory mint copper sand-coloured pearl stone-grey brick-red graphite".split(),
    "ja": "赤 青 緑 黄色 白 黒 茶色 灰色 ピンク 紫 銀色 金色 紺色 ベージュ 水色 炭黒 アイボリー ミントグリーン れんが色 "
    "カッパー シルバー グレー パールホワイト サンドベージュ グラファイト ミストブルー スノーホワイト".split(),
}
MATERIALS = {
    "en": "wood steel glass paper cotton wool plastic leather stone clay rubber copper silk bamboo aluminium concrete charcoal".split(),
    "ja": "木 鉄 ガラス 紙 綿 羊毛 プラスチック 革 石 粘土 ゴム 銅 絹 竹 アルミ コンクリート 活性炭".split(),
}
FOODS = {
    "en": "bread rice soup noodles cheese honey apples pears carrots onions beans eggs pancakes curry salad cake tea coffee "
    "potatoes mushrooms yoghurt dumplings plums cherries toast jam tofu pumpkin".split(),
    "ja": "パン ご飯 スープ うどん チーズ はちみつ りんご 梨 にんじん 玉ねぎ 豆 卵 カレー サラダ ケーキ お茶 コーヒー "
    "じゃがいも きのこ ヨーグルト 餃子 梅干し さくらんぼ トースト ジャム 豆腐 かぼちゃ みそ汁".split(),
}
ANIMALS = {
    "en": "dog cat horse rabbit duck goat sheep cow fox owl frog turtle parrot mouse hamster pony donkey squirrel hedgehog goose".split(),
    "ja": "犬 猫 馬 うさぎ あひる やぎ 羊 牛 きつね ふくろう かえる 亀 おうむ ねずみ ハムスター ろば りす はりねずみ がちょう 金魚".split(),
}
THINGS = {
    "en": "kettle umbrella lamp notebook key bicycle scarf clock mirror basket pillow hammer bucket ladder towel pencil camera "
    "suitcase cup plate spoon knife pot pan broom brush candle chair table shelf drawer door window cable plug battery bulb "
    "filter hose lid handle button screw tray jug tank cartridge manual receipt parcel box envelope stamp ticket wallet jacket".split(),
    "ja": "やかん 傘 ランプ ノート 鍵 自転車 マフラー 時計 鏡 かご 枕 金づち バケツ はしご タオル 鉛筆 カメラ スーツケース "
    "コップ 皿 スプーン 包丁 鍋 フライパン ほうき ブラシ ろうそく 椅子 机 棚 引き出し ドア 窓 ケーブル プラグ 電池 電球 "
    "フィルター ホース ふた 取っ手 ボタン ねじ トレー ポット タンク カートリッジ 説明書 領収書 荷物 箱 封筒 切手 切符 財布 上着".split(),
}
APPLIANCES = {
    "en": "washing machine,air conditioner,rice cooker,desk lamp,robot vacuum,refrigerator,humidifier,ceramic heater,electric fan,"
    "toaster oven,coffee maker,air purifier,dishwasher,microwave,hair dryer,iron,freezer,radio,blender,kettle".split(
        ","
    ),
    "ja": "洗濯機,エアコン,炊飯器,デスクライト,ロボット掃除機,冷蔵庫,加湿器,セラミックヒーター,扇風機,オーブントースター,"
    "コーヒーメーカー,空気清浄機,食器洗い機,電子レンジ,ドライヤー,アイロン,冷凍庫,ラジオ,ミキサー,電気ポット".split(
        ","
    ),
}
PLACES = {
    "en": "kitchen,garden,bathroom,cellar,hall,office,school,library,station,park,market,museum,hospital,bank,post office,bakery,workshop,warehouse,hotel,theatre".split(
        ","
    ),
    "ja": "台所 庭 浴室 地下室 玄関 事務所 学校 図書館 駅 公園 市場 美術館 病院 銀行 郵便局 パン屋 工場 倉庫 ホテル 劇場".split(),
}
WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "ja": [f"{day}曜日" for day in "月火水木金土日"],
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "ja": [f"{n}月" for n in range(1, 13)],
}
_FLOORS = "first second third fourth fifth sixth seventh eighth ninth".split()


def invented_name(language: str, rng: Random) -> str:
    """A word that is no word: Latin or romaji syllables in English, katakana in Japanese."""
    if language == "ja":
        name = "".join(rng.choice(_KATAKANA) for _ in range(rng.choice((2, 3, 3, 4))))
        return name if rng.random() < 0.75 else name[0] + "ー" + name[1:]
    if rng.random() < 0.5:
        return "".join(rng.choice(_ROMAJI) for _ in range(rng.choice((2, 3, 3, 4)))).capitalize()
    return "".join(
        rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
        for _ in range(rng.choice((1, 2, 2)))
    ).capitalize()


def town(language: str, rng: Random) -> str:
    """An invented town; in Japanese usually two kanji."""
    if language == "ja" and rng.random() < 0.7:
        return rng.choice(_TOWN_HEADS) + rng.choice(_TOWN_TAILS)
    return invented_name(language, rng)


def full_name(language: str, rng: Random) -> str:
    """First and last name as the language writes it."""
    first = rng.choice(FIRST_NAMES[language])
    if language == "ja":
        surname = rng.choice(_SURNAMES_JA) if rng.random() < 0.6 else town("ja", rng)
        return surname + first
    if rng.random() < 0.3:
        first = invented_name("en", rng)
    return f"{first} {rng.choice(_SURNAMES_EN) if rng.random() < 0.5 else invented_name('en', rng)}"


def shop(language: str, rng: Random) -> str:
    """An invented shop."""
    name = invented_name(language, rng)
    if language == "ja":
        return name + rng.choice(("商店", "電気店", "ストア", "屋", "商会", "工房"))
    return rng.choice(("the {} shop", "{} Stores", "{} and Sons", "the {} Workshop")).format(name)


def code(rng: Random) -> str:
    """An article code such as ``QD-318``; one to three letters, one to four digits."""
    letters = "".join(
        rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(rng.choice((1, 2, 2, 3)))
    )
    return f"{letters}-{rng.randrange(1, 10 ** rng.choice((1, 2, 3, 4)))}"


def amount(rng: Random) -> str:
    """A price without its unit: 10 to 199,500, mostly round, with a thousands separator."""
    digits = rng.choice((2, 3, 3, 4, 4, 4, 5, 5, 6))
    step = {2: 10, 3: 10, 4: 10, 5: 100, 6: 500}[digits]
    low, high = 10 ** (digits - 1), min(10**digits, 200_000)
    return f"{rng.randrange(low, high, step):,}"


def clock(language: str, rng: Random) -> str:
    hour, minute = rng.randrange(6, 24), rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50))
    return f"{hour}時{minute}分" if language == "ja" else f"{hour}:{minute:02d}"


def _counted(unit_en: str, unit_ja: str, low: int, high: int):
    def draw(language: str, rng: Random) -> str:
        number = rng.randrange(low, high)
        return f"{number}{unit_ja}" if language == "ja" else f"{number} {unit_en}"

    return draw


def _listed(table: dict[str, list[str]]):
    return lambda language, rng: rng.choice(table[language])


def _hours(language: str, rng: Random) -> str:
    start, end = clock(language, rng), clock(language, rng)
    return f"{start}から{end}まで" if language == "ja" else f"from {start} to {end}"


def _price(language: str, rng: Random) -> str:
    return f"{amount(rng)}円" if language == "ja" else f"{amount(rng)} yen"


def _date(language: str, rng: Random) -> str:
    month, day = rng.randrange(12), rng.randrange(1, 29)
    return f"{month + 1}月{day}日" if language == "ja" else f"{day} {MONTHS['en'][month]}"


def _floor(language: str, rng: Random) -> str:
    number = rng.randrange(9)
    return f"{number + 1}階" if language == "ja" else f"the {_FLOORS[number]} floor"


def _phone(language: str, rng: Random) -> str:
    return f"0{rng.randrange(1, 10)}-{rng.randrange(1000, 10000)}-{rng.randrange(1000, 10000)}"


def _weight(language: str, rng: Random) -> str:
    return (
        f"{rng.randrange(1, 100)} kg"
        if rng.random() < 0.5
        else f"{rng.randrange(1, 10)}.{rng.randrange(1, 10)} kg"
    )


_DRAW = {
    "price": _price,
    "date": _date,
    "time": clock,
    "hours": _hours,
    "weekday": _listed(WEEKDAYS),
    "month": _listed(MONTHS),
    "year": lambda language, rng: f"{rng.randrange(1900, 2030)}" + ("年" if language == "ja" else ""),
    "days": _counted("days", "日", 2, 99),
    "months": _counted("months", "か月", 2, 73),
    "years": _counted("years", "年", 2, 60),
    "minutes": _counted("minutes", "分", 2, 130),
    "weight": _weight,
    "length": lambda language, rng: f"{rng.randrange(3, 400)} cm",
    "percent": _counted("percent", "%", 2, 100),
    "temperature": _counted("degrees", "度", 2, 250),
    "watt": lambda language, rng: f"{rng.choice((rng.randrange(2, 100), 10 * rng.randrange(10, 200)))}" + ("ワット" if language == "ja" else " watts"),
    "litres": _counted("litres", "リットル", 2, 600),
    "points": _counted("points", "ポイント", 2, 900),
    "count": lambda language, rng: str(rng.randrange(2, 10 ** rng.choice((1, 2, 3)) + 2)),
    "times": _counted("times", "回", 2, 60),
    "person": full_name,
    "town": town,
    "colour": _listed(COLOURS),
    "code": lambda language, rng: code(rng),
    "phone": _phone,
    "floor": _floor,
    "material": _listed(MATERIALS),
    "food": _listed(FOODS),
    "thing": _listed(THINGS),
    "animal": _listed(ANIMALS),
    "name": invented_name,
    "appliance": _listed(APPLIANCES),
    "place": _listed(PLACES),
    "shop": shop,
    "number": lambda language, rng: str(rng.randrange(2, 100)),
    "first_name": _listed(FIRST_NAMES),
}  # fmt: skip
KINDS = tuple(_DRAW)


def value(kind: str, language: str, rng: Random) -> str:
    """One value of a ``kind`` from :data:`KINDS`; raises ``KeyError`` for an unknown kind."""
    return _DRAW[kind](language, rng)
