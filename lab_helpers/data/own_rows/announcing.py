"""Words around a telephone number, an address or a name that say whose it is: ours, yours, or nobody's."""

import re

_OURS = re.compile(
    r"\b(?:us|our|desk|hot ?line|help ?line|head ?office|branch|showroom|reception|customer (?:care|service)"
    r"|call cent(?:er|re))\b"
    r"|当店|当社|弊社|小社|当院|当館|窓口|コールセンター|カスタマー|サポート|問い?合わ?せ|フリーダイヤル|代表|受付"
    r"|本社|本店|支店|店舗|営業所|事務局|(?:お電話|ご連絡|お送り|ご返送)(?:ください|下さい)|係宛",
    re.IGNORECASE,
)
_YOURS = re.compile(
    r"\b(?:call|reach|contact|phone|mail|write to|ring|send (?:it )?to) you\b|\byours?\b"
    r"|(?:様|さん|ご登録|あなた)の",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:(?:tele)?phone|number|contact|call|e-?mail|mail|address|where (?:are|is)|hot ?line)\b"
    r"|電話|連絡先|問い?合わ?せ|メール|住所|所在地|どこ|窓口",
    re.IGNORECASE,
)
_MINE = re.compile(r"\bmy\b|\bfor me\b|(?:私|自分)の|登録", re.IGNORECASE)
# A name that somebody gives as his own follows other words than a title.
_TITLE_BEFORE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor)\b\.? ?$")
_TITLE_AFTER = re.compile(" ?(?:氏|さん|博士|先生|様)")
_WHO = re.compile(
    r"\bwho(?:m|se)? (?:is|are|was|were|did|wrote|made|invented)\b|\bbiograph|誰|だれ|どんな人|何をした人|伝記",
    re.IGNORECASE,
)
# An imperative: the answer gives the number for the reader to use. Not: "the driver will call …".
_USE_IT = re.compile(
    r"(?:^|[.!?:;,] ?|\n|\b(?:please|or|you (?:can|may|could|should)|just|simply) )"
    r"(?:dial|call|ring|phone|text|fax|e-?mail|mail|write to|contact|reach|visit)\b(?! you)|(?<!we )\bdial\b",
    re.IGNORECASE,
)
_USE_IT_AFTER = re.compile(
    r" ?(?:まで|へ|に)?[、 ]?(?:お気軽に|直接|いつでも)?"
    r"(?:どうぞ|(?:お(?:電話|かけ|掛け|問い?合わ?せ|送り|越し|寄せ|申し込み|知らせ)|ご(?:連絡|相談|用命|依頼|一報))"
    r"(?:を|に)?(?:ください|下さい|願|いただ|頂))"
)
_STAFF = re.compile(r"担当|責任者|店長|部長|課長|所長|社長|スタッフ|\bin charge\b|\bwho (?:runs|leads|heads)\b", re.IGNORECASE)  # fmt: skip
_OWN_NAME_BEFORE = re.compile(
    r"(?:\bI am|\bI['’]m|\bmy (?:full )?name(?: is|['’]s)|\b(?:this|speaking) is|担当(?:は|の|者は|者の)?[、 ]?"
    r"|(?:私|わたくし)(?:は|、|、?担当の)?) ?$",
    re.IGNORECASE,
)
_OWN_NAME_AFTER = re.compile(
    "(?:でございます|です(?=[。、！!]|$)|と申します|といいます|と言います)"
)
_NEAR = 60


def announces(before: str, after: str) -> bool | None:
    """Whether the text around a datum gives it as the firm's; ``None`` where it says nothing."""
    if _YOURS.search(before[-_NEAR:]):
        return False
    near = before[-_NEAR:]
    if _OURS.search(near) or _OURS.search(after[:_NEAR]):
        return True
    sentence = re.split(r"(?<=[.!?。])\s*", near)[-1] if len(near) == _NEAR else near
    return True if _USE_IT.search(sentence) or _USE_IT_AFTER.match(after) else None


def asks_for_contact(question: str) -> bool:
    """Whether ``question`` asks for a number or an address, and not for the one who asks."""
    return bool(_ASKED.search(question) and not _MINE.search(question))


def asks_who(question: str) -> bool:
    """Whether ``question`` asks who somebody is or who does a thing."""
    return bool(_WHO.search(question) or _STAFF.search(question))


def follows_title(text: str, start: int, end: int) -> bool:
    """Whether a title stands before or after the name ``text[start:end]``: the third person."""
    return bool(_TITLE_BEFORE.search(text[:start]) or _TITLE_AFTER.match(text, pos=end))


def gives_own_name(answer: str, start: int, end: int) -> bool:
    """Whether the one who answers gives the name ``answer[start:end]`` as the own."""
    before, after = answer[max(0, start - _NEAR) : start], answer[end : end + _NEAR]
    return bool(_OWN_NAME_BEFORE.search(before) or _OWN_NAME_AFTER.match(after))
