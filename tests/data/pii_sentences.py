"""Sentences with their personal data marked ``{KIND:text}``, written by hand for the PII tests.

About half of each list holds none: order numbers, product codes, prices, dates and words that look
like names. The patterns were written by the same hand, so these lists show that they do what was
meant; they do not estimate how much real mail would slip through.
"""

ENGLISH = """
Please write to {EMAIL:anna.barlow@example.com} about the refund.
You can reach me at {EMAIL:r.lopez+shop@mail.example.co.uk}, thanks.
My address changed: {EMAIL:greta_5320@example.org}.
Call me back on {PHONE:+44 20 7946 0958} after five.
My mobile is {PHONE:07700 900123}.
Ring {PHONE:020 7946 0958} and ask for the workshop.
Our office line is {PHONE:(212) 555-0123}.
The number on the box was {PHONE:212-555-0147}, nobody answered.
From abroad dial {PHONE:+81 3-1234-5678}.
Please call 555 first, then {PHONE:415.555.0199}.
You may phone me at {PHONE:555-0188} today.
I paid with {CARD:4111 1111 1111 1111} last week.
The card {CARD:5500-0000-0000-0004} was charged twice; that is {CARD:5500 0000 0000 0004}.
Amex {CARD:378282246310005} was declined.
I live at {ADDRESS:14 Larch Street} near the station.
Send it to {ADDRESS:221B Baker Street}, London {POSTCODE:NW1 6XE}.
The van should stop at {ADDRESS:27 Mill Road}, not at the corner.
Deliver to {ADDRESS:1600 Pine Ridge Avenue, Apt 4}, Austin, TX {POSTCODE:78701}.
New address: {ADDRESS:Flat 3, 12 High Street}, Leeds {POSTCODE:LS1 4AP}.
We moved to {ADDRESS:9 Orchard Close} in May.
My name is {NAME:Hanna Weiss} and my heater hums.
my name is {NAME:Tom}, I wrote yesterday.
Hello, I am Mr {NAME:Omar Lang} from the third floor.
This is {NAME:Carla Duarte} calling again about the lamp.
Please ask Mrs. {NAME:Ogle} at the desk.
Dr. {NAME:Whitlock} has the receipt.
I'm {NAME:Sean O'Brien}, we spoke on Monday.
Name: {NAME:Priya Natarajan}
Kind regards, {NAME:Julia Stern}
Recipient: {NAME:Max Brandt}, {ADDRESS:5 Harbour Lane}, {EMAIL:max@example.net}
My order number is 2024-0012-3456.
Order #0312345678 has not arrived.
Invoice 4000123412341234 is still open.
The Nagare NW-800 costs 118,000 yen.
Is the HT-120 louder than the SK-220?
It arrived on 2024-11-23 at 10:30.
I bought it on 03-12-2023 and again on 01/02/2024.
The tracking number is 9400111899223197428490.
It uses 1,200 watts and weighs 3.5 kg.
Chapter 12, pages 100-110, explains it.
The warranty lasts 24 months from 1 April 2021.
My heater is not working and I am Very Angry about it.
This is Unacceptable, please answer.
I am Japanese and I like the rice cooker.
The timer shows 00:00 and then 12:34:56.
Version 10.0.19045 of the app crashes.
Model 800-1200-X fits the base.
I'm sorry, the lamp broke twice in 14 days.
Mugi, the toaster, makes two slices in 90 seconds.
We drove down the Main Street of the old town.
Ten of 1,354 rows had no answer.
The serial number is 090123456789.
Please write to us by post; we have no mail.
Ask the lady at the counter in Mineura.
The manual costs $4.99, postage is $12.50.
Best regards from a happy customer.
My name is not on the list.
The code 1234-5678-9012 opens nothing.
Dial 0 to speak to a person.
The colours are pearl white and ivory.
"""

JAPANESE = """
ご連絡は{EMAIL:tanaka.hanako@example.jp}までお願いします。
メールは{EMAIL:shop_2084@example.com}に送ってください。
全角で書くと{EMAIL:ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ}になります。
電話番号は{PHONE:03-1234-5678}です。
携帯{PHONE:090-1234-5678}におかけください。
{PHONE:０８０－４７２１－４９５４}が私の番号です。
昼間は{PHONE:0312345678}、夜は{PHONE:08081509115}です。
窓口は{PHONE:0120-123-456}でした。
実家は{PHONE:045(123)4567}です。
海外からは{PHONE:+81 90-1234-5678}へ。
大阪の店は{PHONE:(06) 6123-4567}です。
カード番号は{CARD:4111 1111 1111 1111}です。
{CARD:4539148803436467}で払いました。
５５００で始まる{CARD:５５００　００００　００００　０００４}です。
マイナンバーは{MYNUMBER:123456789018}です。
個人番号{MYNUMBER:1234-5678-9018}を書いてしまいました。
〒{POSTCODE:100-0005} {ADDRESS:東京都千代田区丸の内1-9-1}に送ってください。
郵便番号は{POSTCODE:530-0001}です。
住所は{ADDRESS:大阪府大阪市北区梅田三丁目一番三号}です。
引っ越し先は{ADDRESS:北海道札幌市中央区北1条}です。
{ADDRESS:横浜市港北区日吉2丁目5番10号}に住んでいます。
届け先は{ADDRESS:京都府京都市左京区吉田本町36-1 吉田ハイツ201号室}です。
{ADDRESS:愛知県名古屋市中区栄3-5-8}まで来てください。
田舎の{ADDRESS:渋谷区神南1-2-3}とは大違いです。
私は{NAME:田中太郎}と申します。
はじめまして、{NAME:佐藤さくら}と申します。
{NAME:ジョン・スミス}と申します。予約の件です。
星空町の{NAME:山本}と申しますが、ライトの件です。
私、{NAME:中村健一}は先月ヒーターを買いました。
氏名：{NAME:高橋 一郎}
お名前：{NAME:マリア・ロペス}　ご住所は後で送ります。
名義人:{NAME:小林花子}のカードです。
担当の{NAME:鈴木}様にお伝えください。
受付の{NAME:佐々木}さんがとても親切でした。
お世話になっております。{NAME:吉田}です。
注文番号は2024-0012-3456です。
注文番号0312345678の荷物が届きません。
洗濯機NW-800は118,000円です。
2024年11月23日の10時30分に届きました。
2025-01-15に買って、2025-02-01に壊れました。
お客様の声を聞いてください。
皆様にお知らせします。
店員さんは親切でした。
私、毎日使っていますが静かです。
私、先日は失礼しました。
冷蔵庫のYD-410は何リットルですか。
保証期間は2年、24か月です。
消費電力は1,200ワット、重さは3.5kgです。
受付番号は080-1234-5678と書かれた紙にあります。
伝票番号123456789018を確認してください。
東京都千代田区に本社があります。
市役所の近くの店で買いました。
オボロの色はストーングレーだけですか。
説明書の12-15ページを見ました。
返金希望と申し上げたはずです。
部品コードは4539-1488です。
温度は20-25度が快適です。
三日に一度、一丁目の店に行きます。
配達員さんが箱を投げました。
何と申しますか、少し残念です。
"""
