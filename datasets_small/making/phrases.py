"""Templates of the generated rows: what :mod:`support` and :mod:`preferences` are made of.

Slots: {p} product, {k} its kind, {part}, {v} the value; {q} a question, {q0} the same with a small
first letter; {b} an answer's body; {t} any text; {d4} {e4} four digits.
"""

from lab_helpers.evaluation.tone import HOUSE

TONE = {language: (house.opening, house.closing) for language, house in HOUSE.items()}

# attribute → (topic, {language: (questions, answers)})
ATTRIBUTES = {
    "price": ("price", {
        "en": (["How much is the {p}?", "What does the {p} cost?", "What do I pay for the {k} {p}?", "Could you tell me the price of the {p}?"],
               ["The {p} costs {v}.", "The price of the {p} is {v}.", "You can buy the {p} for {v}."]),
        "ja": (["{p}はいくらですか。", "{p}の値段を教えてください。", "{k}の{p}、価格はいくらでしょうか。", "{p}って、いくらするの?"],
               ["{p}の価格は{v}でございます。", "{p}は{v}でご購入いただけます。", "{p}は{v}です。"]),
    }),
    "warranty_years": ("warranty", {
        "en": (["How long is the warranty on the {p}?", "For how many years is the {p} covered?", "Until when does the warranty of the {p} run?"],
               ["The warranty of the {p} lasts {v}.", "The {p} is covered for {v} from the day of purchase."]),
        "ja": (["{p}の保証は何年ですか。", "{p}の保証期間を教えてください。", "{p}は何年間保証されますか。"],
               ["{p}の保証期間は{v}でございます。", "{p}は、ご購入日から{v}間の保証がございます。"]),
    }),
    "weight_kg": ("product", {
        "en": (["How heavy is the {p}?", "What does the {p} weigh?", "Can one person lift the {p}, what is its weight?"],
               ["The {p} weighs {v}.", "The weight of the {p} is {v}."]),
        "ja": (["{p}の重さはどれくらいですか。", "{p}は何キロありますか。", "{p}は一人で運べますか。重さを知りたいです。"],
               ["{p}の重さは{v}でございます。", "{p}の本体は{v}です。"]),
    }),
    "power_watt": ("product", {
        "en": (["How many watts does the {p} need?", "What is the power of the {p}?", "How much power does the {p} draw?"],
               ["The {p} uses {v}.", "The power of the {p} is {v}."]),
        "ja": (["{p}の消費電力は何ワットですか。", "{p}は電気をどれくらい使いますか。", "{p}のワット数を教えてください。"],
               ["{p}の消費電力は{v}でございます。", "{p}は{v}でお使いいただけます。"]),
    }),
    "colour": ("product", {
        "en": (["What colour is the {p}?", "In which colour does the {p} come?", "Which colour does the {k} {p} have?"],
               ["The {p} comes in {v}.", "The colour of the {p} is {v}."]),
        "ja": (["{p}は何色ですか。", "{p}の色を教えてください。", "{k}の{p}は、どんな色ですか。"],
               ["{p}の色は{v}でございます。", "{p}は{v}のみのご用意です。"]),
    }),
    "factory": ("company", {
        "en": (["Where is the {p} made?", "In which town do you build the {p}?", "Which factory makes the {p}?"],
               ["The {p} is made in our factory in {v}.", "We build the {p} in {v}."]),
        "ja": (["{p}はどこで作られていますか。", "{p}の工場はどの町ですか。", "{p}の生産地を教えてください。"],
               ["{p}は{v}の工場で作っております。", "{p}の生産地は{v}でございます。"]),
    }),
    "launched": ("product", {
        "en": (["In which year did the {p} come out?", "How old is the {p} as a model?", "Since when do you sell the {p}?"],
               ["The {p} came out in {v}.", "We have sold the {p} since {v}."]),
        "ja": (["{p}は何年に発売されましたか。", "{p}はいつからあるモデルですか。", "{p}の発売年を教えてください。"],
               ["{p}は{v}に発売いたしました。", "{p}の発売は{v}でございます。"]),
    }),
    "part_price": ("parts", {
        "en": (["How much is a new {part} for the {p}?", "What does the {part} of the {p} cost?", "I need a {part} for my {p}. What is its price?"],
               ["The {part} of the {p} costs {v}.", "A new {part} for the {p} is {v}."]),
        "ja": (["{p}の{part}はいくらですか。", "{p}の{part}だけ買えますか。値段も知りたいです。", "{part}を替えたいです。{p}用はいくらでしょうか。"],
               ["{p}の{part}は{v}でございます。", "{p}用の{part}は{v}でお求めいただけます。"]),
    }),
    "part_months": ("parts", {
        "en": (["How often should I replace the {part} of the {p}?", "When does the {p} need a new {part}?", "After how many months do I change the {p}'s {part}?"],
               ["We recommend a new {part} for the {p} every {v}.", "Please replace the {part} of the {p} every {v}."]),
        "ja": (["{p}の{part}は何か月ごとに交換しますか。", "{p}の{part}の交換時期を教えてください。", "{p}の{part}、いつ替えればいいですか。"],
               ["{p}の{part}は{v}ごとの交換をおすすめしております。", "{p}の{part}は{v}ごとにお取り替えください。"]),
    }),
}  # fmt: skip

WRAPPERS = {
    "en": [
        "{q}", "{q}", "Hello, {q0}", "Hi there. {q}", "Quick question: {q0}", "{q} Thanks in advance.", "Before I order: {q0}",
        "My mother would like to know: {q0}", "{q} I could not find it on your page.", "I am comparing models. {q}",
        "Sorry to bother you. {q}", "{q} It is for my new flat.", "Good evening. {q}", "We are moving next month. {q}",
        "{q} My neighbour asks too.", "One more thing: {q0}", "{q} A short answer is enough.", "I am at the shop right now. {q}",
    ],
    "ja": [
        "{q}", "{q}", "こんにちは。{q}", "すみません。{q}", "{q}よろしくお願いします。", "注文の前に確認です。{q}", "母に頼まれて聞いています。{q}",
        "{q}サイトでは見つけられませんでした。", "比較検討中です。{q}", "お世話になります。{q}", "{q}引っ越し先で使う予定です。", "夜分に失礼します。{q}",
        "来月引っ越します。{q}", "{q}隣の人も知りたがっています。", "もう一つお願いします。{q}", "{q}簡単で構いません。", "いま店頭にいます。{q}", "初めて連絡します。{q}",
    ],
}  # fmt: skip

# intent of the request → bodies that fit any message of that intent
GENERIC = {
    "account": {
        "en": ["Please open the login page and ask for a new link; it reaches you by mail.", "We will check your membership data. Please tell us the mail address of your account, but never your password."],
        "ja": ["ログイン画面から新しいリンクをお申し込みください。メールでお届けいたします。", "会員情報をお調べいたします。ご登録のメールアドレスをお知らせください。パスワードは書かないでください。"],
    },
    "delivery": {
        "en": ["We will ask the carrier at once. Please send us your order number.", "We are sorry for the trouble with your parcel. Please tell us the order number and what arrived."],
        "ja": ["すぐに配送業者に確認いたします。ご注文番号をお知らせください。", "お届けの件でご迷惑をおかけし、申し訳ございません。ご注文番号と届いた品をお知らせください。"],
    },
    "how_to": {
        "en": ["You will find this step by step in the manual of your model. Please tell us the model code, and we will send you the page.", "Please switch the appliance off, wait a minute, and follow the steps in the manual."],
        "ja": ["お使いの機種の取扱説明書に手順がございます。型番をお知らせいただければ、該当のページをお送りいたします。", "一度電源を切り、一分ほど待ってから、説明書の手順でお試しください。"],
    },
    "human": {
        "en": ["A colleague will gladly call you back. Please tell us a time that suits you.", "We are sorry that you had to wait. Our hotline will be glad to talk with you."],
        "ja": ["担当者からお電話いたします。ご都合のよい時間をお知らせください。", "お待たせして申し訳ございません。電話窓口で直接お話をうかがいます。"],
    },
    "payment": {
        "en": ["We will check the payment. Please send us the order number and the date of the charge.", "Please send us your order number, and we will look at the invoice together with you."],
        "ja": ["お支払いの内容をお調べいたします。ご注文番号と引き落としの日付をお知らせください。", "請求の内容を確認いたします。ご注文番号をお知らせください。"],
    },
    "recycling": {
        "en": ["We can collect your old appliance. Please tell us the model and where it stands.", "Old appliances do not belong in the household waste. Please ask a partner shop or book our collection."],
        "ja": ["古い製品はお引き取りいたします。型番と設置場所をお知らせください。", "古い製品は家庭ごみに出せません。提携店か、当社の引き取りをご利用ください。"],
    },
    "repair": {
        "en": ["We are sorry that it does not work. Please tell us the model code and what happens when you switch it on.", "Please unplug the appliance and do not open it. Our workshop will gladly inspect it."],
        "ja": ["故障でご不便をおかけし、申し訳ございません。型番と、電源を入れたときの様子をお知らせください。", "プラグを抜き、分解はなさらないでください。工場で点検いたします。"],
    },
    "return": {
        "en": ["You can send unused goods back. Please tell us the order number, and we will send you the form.", "An exchange is possible as long as the appliance is unused. Please keep the box."],
        "ja": ["未使用でしたら返品いただけます。ご注文番号をお知らせいただければ、用紙をお送りいたします。", "未使用の製品は交換いただけます。箱は保管なさってください。"],
    },
    "spare_parts": {
        "en": ["We keep parts for your model. Please tell us the model code and which part you need.", "The part can be ordered on its own. Please send us the code from the label on the back."],
        "ja": ["お使いの機種の部品をご用意しております。型番と必要な部品をお知らせください。", "部品だけでもご注文いただけます。背面のラベルの型番をお知らせください。"],
    },
    "warranty": {
        "en": ["Please keep the receipt: it proves the day of purchase. With the model code we can tell you what is covered.", "We will check the warranty for you. Please send us the model code and the date of purchase."],
        "ja": ["領収書はご購入日の証明になりますので、大切に保管してください。型番をお知らせいただければ、保証の範囲をご案内いたします。", "保証の状況をお調べいたします。型番とご購入日をお知らせください。"],
    },
}  # fmt: skip

OFF_TONE = {
    "en": ["{b} Cheers!", "Hey! {b} Bye!!", "yo, {b} lol", "{b} Next time read the manual!", "Dear Sir or Madam, {b} Yours faithfully", "{b} Don't worry, it's easy!", "OK so: {b}"],
    "ja": ["{b}じゃあね!", "どうも!{b}またね!!", "えっと、{b}笑", "{b}次は説明書を読んでね!", "拝啓 {b} 敬具", "{b}まあ、大丈夫っしょ!", "はいはい。{b}"],
}  # fmt: skip

HTML = ["<p>{t}</p>", "{t}<br/><br/>", "<div class=\"mail\">{t}</div>", "{t}&nbsp;&nbsp;", "<b>{t}</b> &amp; <a href=\"#\">more</a>", "&gt; {t}"]  # fmt: skip

CONTACTS = {
    "en": [
        "My name is Anna Barlow, my number is 090-{d4}-{e4}.", "Mail me at anna.barlow{d4}@example.com.", "Please call Jonas Wells on 03-{d4}-{e4}.",
        "I live at 14 Larch Street, Amberton.", "My card is 4539 1488 0343 6467.", "Greta Marsh, greta_{e4}@example.org", "I am Mr Omar Lang, 27 Mill Road.", "You can reach me under 080-{d4}-{e4}.",
    ],
    "ja": [
        "田中花子と申します。電話は090-{d4}-{e4}です。", "返信は hanako{d4}@example.com までお願いします。", "氏名:佐藤健太、電話:03-{d4}-{e4}",
        "住所は東京都青葉区緑町2丁目14番3号です。", "カード番号は4539 1488 0343 6467です。", "私、鈴木美咲の連絡先は misaki_{e4}@example.org です。", "〒123-{d4} 大阪府北浜市南3-5-8です。", "080-{d4}-{e4}におかけください。",
    ],
}  # fmt: skip

WRONG_LANGUAGE = {
    "en": [
        ("Was kostet der Ventilator?", "Der Ventilator steht im Laden."), ("Combien de temps dure la garantie ?", "La garantie est sur la facture."),
        ("Où est mon colis ?", "Le colis est en route."), ("¿Cuánto cuesta el filtro?", "El filtro está en la tienda."), ("Wann kommt der Techniker?", "Der Techniker kommt morgen früh."),
        ("送料はいくらですか。", "送料はご注文の金額によります。"), ("修理をお願いしたいです。", "型番をお知らせください。"), ("Il forno non si accende più.", "Controlli la spina, per favore."),
        ("加湿器の音が大きいです。", "水を入れ直してください。"), ("Mein Lüfter klappert seit gestern.", "Bitte prüfen Sie die Schrauben."),
    ],
    "ja": [
        ("Where is my parcel?", "It is on its way to you."), ("The fan rattles at night.", "Please check the screws."), ("Was kostet der Filter?", "Der Filter steht im Laden."),
        ("Can I pay by card?", "Yes, at the counter and online."), ("Le mode d'emploi est perdu.", "Il est sur notre site."), ("택배가 아직 안 왔어요.", "확인해 보겠습니다."),
        ("¿Dónde está mi pedido?", "Está en camino."), ("Do you repair old heaters?", "Please tell us the model."), ("保修期是多久?", "请看发票上的日期。"), ("Il frigorifero fa rumore.", "Lo controlliamo volentieri."),
    ],
}  # fmt: skip

FILLERS = {
    "en": [
        "We are always glad to hear from our customers.", "Your question is important to us.", "Please take all the time you need.",
        "We hope that this answer is useful to you.", "It is a pleasure to help you with this.", "We wish you a pleasant day in every season.",
        "Please keep this message for later.", "We look forward to your next question.",
    ],
    "ja": [
        "お客様のお声をいつもありがたく存じます。", "ご質問は私どもにとって大切なものでございます。", "どうぞごゆっくりお考えください。", "このご案内がお役に立てば幸いでございます。",
        "お手伝いできることをうれしく存じます。", "季節の変わり目ですので、どうぞお体を大切になさってください。", "このご案内は大切に保管なさってください。", "またのご質問をお待ちしております。",
    ],
}  # fmt: skip

REFUSALS = {
    "en": [
        "We do not have this information about the {p}, and the hotline will gladly help.", "I am sorry, but I do not know this about the {p}.",
        "This is not recorded for the {p}. Please ask our hotline.", "We cannot say this for certain about the {p}, so we would rather not guess.",
    ],
    "ja": [
        "申し訳ございませんが、{p}についてこの情報がございません。電話窓口でお調べいたします。", "{p}について、こちらでは分かりかねます。",
        "{p}のこの点は記録がございません。電話窓口にお尋ねください。", "{p}について確かなことを申し上げられないため、お答えを控えさせていただきます。",
    ],
}  # fmt: skip

# questions without an answer in the company's table, and an invented answer
UNKNOWN = {
    "en": [
        ("Who designed the {p}?", "The {p} was designed by a team of {n} people."), ("How many {p} have been sold so far?", "So far {n}0,000 pieces of the {p} have been sold."),
        ("Will the {p} be cheaper next spring?", "Yes, the {p} will be {n} percent cheaper next spring."), ("How loud is the {p} in decibels?", "The {p} works at {n} decibels."),
        ("Can the {p} be shipped to Brazil?", "Yes, the {p} reaches Brazil within {n} days."), ("When does the next model of the {p} come out?", "The next model of the {p} comes out in {n} weeks."),
        ("How long is the cable of the {p}?", "The cable of the {p} is {n} cm long."), ("Which energy class does the {p} have?", "The {p} has energy class {n}."),
        ("How many people work on the {p}?", "A team of {n} people works on the {p}."), ("Does the {p} run at 110 volts in a camper?", "Yes, the {p} runs at 110 volts for {n} hours."),
        ("How many screws hold the {p} together?", "The {p} is held together by {n} screws."), ("Which chip is inside the {p}?", "There is a chip of type {n} inside the {p}."),
    ],
    "ja": [
        ("{p}は誰が設計したのですか。", "{p}は{n}人のチームが設計いたしました。"), ("{p}はこれまでに何台売れましたか。", "{p}はこれまでに{n}万台売れております。"),
        ("来年の春、{p}は安くなりますか。", "はい、来年の春に{p}は{n}%お安くなります。"), ("{p}の運転音は何デシベルですか。", "{p}の運転音は{n}デシベルでございます。"),
        ("{p}はブラジルに送れますか。", "はい、{p}は{n}日でブラジルに届きます。"), ("{p}の次のモデルはいつ出ますか。", "{p}の次のモデルは{n}週間後に発売いたします。"),
        ("{p}のコードの長さはどれくらいですか。", "{p}のコードの長さは{n} cmでございます。"), ("{p}の省エネ等級はいくつですか。", "{p}の省エネ等級は{n}でございます。"),
        ("{p}の開発には何人が関わっていますか。", "{p}の開発には{n}人が関わっております。"), ("{p}はキャンピングカーの110ボルトで動きますか。", "はい、{p}は110ボルトで{n}時間動きます。"),
        ("{p}には何本のねじが使われていますか。", "{p}には{n}本のねじが使われております。"), ("{p}の中のチップは何ですか。", "{p}には{n}型のチップが入っております。"),
    ],
}  # fmt: skip
