"""The patterns of personal data. Each works on text whose digits and letters are narrow (ASCII)."""

import re

# Full-width forms to ASCII, hyphens of all kinds to "-"; one character for one.
NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
NARROW |= dict.fromkeys(map(ord, "‐‑‒–—−"), ord("-"))
NARROW[0x3000] = ord(" ")

EMAIL = re.compile(r"(?<![\w.+-])[a-z0-9][\w.+%-]*@(?:[a-z0-9-]+\.)+[a-z]{2,}", re.I | re.A)

_NO_DIGIT_BEFORE = r"(?<![\dA-Za-z.,#/-])"
_NO_DIGIT_AFTER = r"(?![\dA-Za-z]|[-.,/]\d)"
CARD = re.compile(_NO_DIGIT_BEFORE + r"\d(?:[ -]?\d){12,18}" + _NO_DIGIT_AFTER)
MYNUMBER = re.compile(
    _NO_DIGIT_BEFORE + r"(?<!\d )\d{4}([ -]?)\d{4}\1\d{4}" + _NO_DIGIT_AFTER + r"(?! \d)"
)

PHONE = re.compile(
    _NO_DIGIT_BEFORE
    + r"(?:"
    + "|".join(
        (
            r"\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,5}",  # +81 3-1234-5678, +44 20 7946 0958
            r"0\d{1,4}-\d{1,4}-\d{3,4}",  # 03-1234-5678, 0120-123-456
            r"\(0\d{1,4}\) ?\d{1,4}[- ]\d{3,4}",  # (03) 1234-5678
            r"0\d{1,4}\(\d{1,4}\)\d{3,4}",  # 03(1234)5678
            r"0\d{2,4} \d{3,4} \d{3,4}",  # 020 7946 0958
            r"0\d{3,4} \d{6}",  # 07700 900123
            r"0\d{9,10}",  # 09012345678
            r"\(\d{3}\) ?\d{3}-\d{4}",  # (212) 555-0123
            r"(?:1-)?[2-9]\d{2}([-. ])\d{3}\1\d{4}",  # 212-555-0123
        )
    )
    + r")"
    + _NO_DIGIT_AFTER
)
# Seven digits alone look like a Japanese postcode; a word before them decides.
ANNOUNCED_PHONE = re.compile(
    r"(?:\b(?:call|phone|tel|ring|reach)\b|電話|TEL)[^\d\n]{0,20}(?P<pii>\d{3}-\d{4})(?![\d-])",
    re.I,
)

MARKED_POSTCODE = re.compile(r"〒 ?(?P<pii>\d{3}-?\d{4})(?!\d)")
POSTCODE = re.compile(
    r"(?<![\dA-Za-z.,#/-])(?:"
    r"\d{3}-\d{4}"  # Japan
    r"|(?:GIR 0AA|[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2})"  # United Kingdom
    r"|(?<=[A-Z]{2} )\d{5}(?:-\d{4})?"  # United States, after the state
    r")(?![\dA-Za-z]|-\d)"
)

_KANJI = "一-鿿々ヶ"
_NUMBER = "[0-9一二三四五六七八九十]{1,4}"
_PREFECTURE = (
    "(?:北海道|東京都|大阪府|京都府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|"
    "富山|石川|福井|山梨|長野|岐阜|静岡|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口|徳島|香川|"
    "愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県)"
)
JAPANESE_ADDRESS = re.compile(
    f"(?:{_PREFECTURE} ?(?:[{_KANJI}ぁ-んァ-ヴー]{{1,8}}?[市区町村郡] ?){{0,3}}"
    f"|(?:[{_KANJI}ァ-ヴー]{{1,6}}?[市区町村郡] ?){{1,3}})"
    f"[{_KANJI}ぁ-んァ-ヴー]{{0,10}}? ?"
    f"(?:{_NUMBER}(?:丁目|番地?|号|条|-(?=[0-9]))(?: ?{_NUMBER}(?:番地?|号|丁目|-(?=[0-9]))?){{0,4}})"
    # The house: a name and a room number.
    f"(?: ?[{_KANJI}ァ-ヴーA-Za-z]{{2,14}} ?[0-9]{{1,4}}号?室?)?"
)

_STREET = (
    "(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Close|Crescent|"
    r"Terrace|Place|Square|Gardens|Hill)\b"
)
ENGLISH_ADDRESS = re.compile(
    r"(?<![\w.-])(?:(?:Flat|Apartment|Unit) \w{1,5}, )?\d{1,5}[A-Za-z]? (?:[NSEW]\.? )?"
    rf"(?:[A-Z][\w'’-]+ ){{1,3}}{_STREET}"
    r"(?:,? (?:Apt|Apartment|Flat|Unit|Suite)\.? ?#?\w{1,5})?"
)

_CAPITAL = r"[A-Z][a-zà-öø-ÿ]+(?:['’-][A-Z]?[a-zà-öø-ÿ]+)?|[A-Z]['’][A-Z][a-z]+|Ma?c[A-Z][a-z]+"
_WORD = rf"(?:{_CAPITAL})"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor)\b\.?"
_FULL = rf"{_WORD}(?: [A-Z]\.)?(?: {_WORD}){{0,2}}"
_TWO = rf"(?!{_TITLE}){_WORD}(?: [A-Z]\.)?(?: {_WORD}){{1,2}}"

# The 60 most usual surnames whose two or three characters are seldom anything else.
_SURNAMES = (
    "佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|斎藤|齋藤|"
    "清水|山崎|阿部|池田|橋本|山下|石川|中島|前田|藤田|後藤|小川|岡田|村上|長谷川|近藤|石井|斉藤|坂本|遠藤|"
    "藤井|青木|福田|三浦|西村|藤原|太田|松田|原田|岡本|中野|中川|小野|田村|竹内|金子|和田|中山|石田|上田|森田"
)
_KANJI_NAME = f"(?:[{_KANJI}]{{2,6}}(?: [{_KANJI}ぁ-んァ-ヴー]{{1,6}})?)"
_MIXED_NAME = f"(?:(?:{_SURNAMES}) ?[ぁ-んァ-ヴー]{{2,4}})"
_KATAKANA_NAME = "(?:[ァ-ヴー]{2,12}(?:[・ ][ァ-ヴー]{2,12}){0,2})"
_NAME = f"(?:{_MIXED_NAME}|{_KANJI_NAME}|{_KATAKANA_NAME})"
# Words after 「私、」 that are no names.
_NO_NAME = "先日|昨日|今日|今回|明日|毎日|以前|最近|実際|最初|普段|先週|今朝|昨年|去年|現在|本日|当時|高齢|素人|初心者|個人"

NAMES = (
    re.compile(
        rf"\b(?i:my (?:full )?name is|my name['’]s|name ?:|(?:card)?holder ?:|recipient ?:) "
        rf"?(?:{_TITLE} )?(?P<pii>{_FULL})"
    ),
    re.compile(
        rf"\b(?:[Tt]his is|[Ss]peaking is) (?P<pii>{_TWO})(?= (?:from|speaking|calling|here|again)\b|[.,])"
    ),
    re.compile(rf"\b(?:I am|I['’]m) (?P<pii>{_TWO})(?=[,.!]| and\b| from\b|$)"),
    re.compile(rf"\b{_TITLE} (?P<pii>(?:[A-Z]\. )?{_FULL})"),
    re.compile(
        rf"\b(?i:(?:(?:best|kind|warm) )?regards|sincerely|yours truly|cheers),?\s+(?P<pii>{_TWO})\s*$",
        re.M,
    ),
    re.compile(f"(?P<pii>{_NAME})(?=と申し|といいます|と言います|という者)"),
    re.compile(f"私(?:、|は、)(?!{_NO_NAME})(?P<pii>{_NAME})(?=は|と|が|です|で、|、|。)"),
    re.compile(f"(?:氏名|お?名前|名義人?|宛名|受取人) ?[:：] ?(?P<pii>{_NAME})"),
    re.compile(
        f"(?P<pii>(?:{_SURNAMES})(?: ?[{_KANJI}ぁ-んァ-ヴー]{{1,4}})?)(?= ?(?:様|さん|殿|氏)(?!々))"
    ),
    re.compile(
        f"(?<![{_KANJI}])(?P<pii>(?:{_SURNAMES})(?: ?[{_KANJI}]{{1,3}})?)(?=です[。、]|でございます)"
    ),
)
