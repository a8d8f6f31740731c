"""What may differ between two texts that say the same: greetings, courtesies, articles, punctuation.

Nothing here may turn a statement round: not, no, to, from, on, off and numbers are no little words,
nor who does it to whom (I, you, me, my), nor which one it is (this, that).
"""

import re

# fmt: off
LITTLE_WORDS = frozenset({
    "it", "is", "are", "do", "does", "of", "for", "please", "kindly", "just", "really", "very", "so", "oh", "ah", "um", "okay", "ok",
    "hello", "hi", "hey", "dear", "thanks", "cheers", "sorry", "there", "sure", "certainly",
    "also", "then", "simply", "actually",
})
ARTICLES = frozenset({"a", "an", "the"})  # before a lower-case word; in "plan A" it is a name
# fmt: on

_ENGLISH_PHRASES = (
    r"good (?:morning|afternoon|evening|day)",
    r"(?:hi|hello|hey|dear) (?:there|all|everyone|team|support(?: team)?|sir or madam|sir|madam|folks)",
    r"thank you(?: (?:very|so) much| kindly)?(?: for (?:your|the) (?:question|message|mail|e-?mail|inquiry|enquiry|interest|help|reply)| for (?:asking|contacting us|writing(?: to us)?|reaching out|your help))?",
    r"many thanks|thanks (?:a lot|so much|in advance|again)|in advance",
    r"(?:best|kind|warm|many) (?:regards|wishes)|regards|yours (?:sincerely|faithfully|truly)|sincerely",
    r"(?:can|could|would|will) you (?:please )?(?:kindly )?(?:tell|show|explain to|help) me",
    r"(?:i would|i'd|i|we) (?:like|want|need) to (?:know|ask)(?: you)?",
    r"i(?:'m| am| was) (?:just )?wondering(?: (?:if|whether))?|do you (?:happen to )?know",
    r"(?:please )?(?:tell me|let me know)|(?:i have )?a (?:quick )?question|quick question",
    r"excuse me|pardon me|(?:of course|great question|good question|i hope (?:this|that) helps?)",
    r"(?:you are|you're) welcome|have a (?:nice|good|great|lovely) (?:day|evening|weekend)",
)
ENGLISH_PHRASES = re.compile(
    rf"(?<![\w'-])(?:{'|'.join(_ENGLISH_PHRASES)})(?![\w'-])", re.IGNORECASE
)
HOW = re.compile(
    r"\bhow (?:(?:do|does|can|could|should|would|may|might) (?:i|we|one)|to)\b", re.IGNORECASE
)

_JAPANESE_PHRASES = (
    "いつもお世話になって(?:おり|い)ます|お世話になって(?:おり|い)ます|お世話になります",
    "こんにち[はわ]|こんばん[はわ]|おはようございます|はじめまして|初めまして|もしもし",
    "すみませんが?|すいませんが?|恐れ入りますが?|恐縮ですが|失礼(?:いた)?しますが?|お手数(?:をおかけしますが|ですが)",
    "ちょっと|(?:一つ|ひとつ)?(?:質問|お尋ね|お聞き|お伺い)(?:です|があります|がございます|(?:いた)?しますが?|したいのですが)",
    "(?:どうぞ)?(?:よろしく|宜しく)お願い(?:いた|致|申し上げ)?(?:し)?ます",
    "(?:(?:この度は|誠に|どうも|いつも)?(?:ご質問|お問い?合わせ|ご連絡|ご利用)(?:を|いただき|頂き)?、?)?(?:誠に|どうも)?ありがとうございま(?:す|した)",
    "(?:について|を)?教えて(?:くださいませ|ください|下さい|いただけますか|いただけませんか|頂けますか|もらえますか|ほしいです|欲しいです)",
    "(?:承知|了解)(?:いた)?しました|かしこまりました|もちろんです",
    "(?:お願い(?:いた)?します|ください|下さい)ませ?",
    "でしょうか|でございますか|ですか|でございます|です",
)
JAPANESE_PHRASES = re.compile("|".join(_JAPANESE_PHRASES))
