# %% [markdown] lang="en"
# # Lab 07 · RAG and tuning together
#
# **After this lab you can** cut documents into chunks and say when the cut is wrong, search by meaning and by words in English and Japanese, fuse both, measure a search before any model answers, choose when to say nothing, train a model to answer from passages among distractors (RAFT), compare {base, tuned} × {closed book, with passages}, and change a fact without training.
#
# **Time:** about 2 minutes of computing on a 2-core CPU; an hour and a half with the exercises.
#
# **Claims under test:** 39 (RAG greatly reduces hallucination) and 40 (tuning and RAG together do more than either, and are the mainstream); 18 of lab 04 (tuning injects company knowledge) comes back here.
# %% [markdown] lang="ja" of="cf168b08"
# # ラボ 07 · RAG とチューニングの併用
#
# **このラボを終えると**、文書をチャンクに切り、切り方の誤りに気づき、日本語と英語の文書を意味と文字の両方で検索して結果を融合し、モデルに答えさせる前に検索そのものを測り、答えるべきでないときを決め、紛らわしい文書の中から答えるようにモデルを学習させ（RAFT）、{ベース、調整済み} × {資料なし、資料あり} を比べ、学習なしで事実を更新できるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 2 分、演習も含めると 1 時間半です。
#
# **検証する主張:** 39（RAG はハルシネーションを大幅に抑える）、40（ファインチューニングと RAG の併用には相乗効果があり、それが主流である）。ラボ 04 で扱った主張 18（ファインチューニングで社内知識を注入できる）にも、ここで改めて触れます。
# %%
from lab_helpers import open_lab

lab = open_lab("07")
# %% [markdown] lang="en"
# ## Predict
#
# 1. An **English** embedding model searches 64 Japanese pages. For which share of the questions is the right page among the five best (0 to 1)?
# 2. All prices change, in the documents only. Which share of the new prices does a model give that was tuned on the company's archive and sees no documents (0 to 1)?
# %% [markdown] lang="ja" of="5daa0a49"
# ## 予想する
#
# 1. **英語用**の埋め込みモデルで、日本語の文書 64 件を検索します。正解の文書が上位 5 件に入る質問の割合は、どれくらいでしょうか（0〜1）。
# 2. 価格がすべて変わり、文書だけが書き換えられました。会社の記録で調整したモデルが、資料を見ずに新しい価格を答えられる割合は、どれくらいでしょうか（0〜1）。
# %%
lab.predict("japanese_vectors", ...)
lab.predict("updated", ...)
# %% [markdown] lang="en"
# ## An open book
#
# Labs 04 and 06 ended the same way: tuning gave the model the company's voice and not its facts. **Retrieval-augmented generation** (RAG; Lewis et al. 2020) leaves the facts in documents and hands the model the few that fit the question. Hoshizora Electric has 64 pages in each language; here are two.
# %% [markdown] lang="ja" of="c8068906"
# ## 資料を見ながら答える
#
# ラボ 04 と 06 は同じ結論でした。チューニングで身についたのは会社の話し方で、会社の事実ではありません。**検索拡張生成**（RAG、Lewis et al. 2020）では、事実を文書に置いたまま、質問に合う数件だけをモデルに渡します。星空電機には、日英それぞれ 64 件の文書があります。2 件見てみましょう。
# %%
from lab_helpers.rag.documents import shipped_documents

pages = shipped_documents("en")
for page in (pages[0], pages[40]):
    print(f"{page.id} · {page.title}\n{page.text}\n")
# %% [markdown] lang="en"
# ## Build: chunks
#
# An embedder turns a text into *one* vector, so a text should be about one thing. Cut by tokens, and sentences are torn; cut by sentences, and each piece can stand alone.
# %% [markdown] lang="ja" of="7eed8eb0"
# ## つくる: チャンク
#
# 埋め込みモデルは、文章を *1 つ*のベクトルにします。ですから、1 つの文章は 1 つのことだけを述べているのが理想です。トークン数で切ると文がちぎれ、文単位で切れば、どの断片も単独で読めます。
# %%
from lab_helpers.headless import lab07_retrieval as searching
from lab_helpers.rag.chunks import by_sentences, by_tokens

embedder = searching.embedder(lab.run)
for cut in (by_tokens, by_sentences):
    print(cut.__name__)
    for chunk in cut(pages[0], size=32, tokenizer=embedder.tokenizer):
        print("   |", chunk.text.strip())
# %% [markdown] lang="en"
# ## Build: search by meaning
#
# Texts with a similar meaning get vectors with a high cosine. **MiniLM** (22 million parameters, English) makes them; LanceDB keeps them, in a folder and without a server.
# %% [markdown] lang="ja" of="eee17cad"
# ## つくる: 意味で検索する
#
# 意味の近い文章は、コサイン類似度の高いベクトルになります。ベクトルを作るのは **MiniLM**（2,200 万パラメータ、英語用）、保存するのは LanceDB です。サーバーは要らず、フォルダー 1 つで済みます。
# %%
stores = {
    language: searching.open_store(lab.run, embedder, language) for language in ("en", "ja")
}
print({language: store.count() for language, store in stores.items()}, "chunks")
for hit in stores["en"].search("How heavy is the Shizuku?", k=3, mode="vector"):
    print(f"{hit.score:.2f}  [{hit.title}] {hit.text.strip()[:90]}")
# %% [markdown] lang="en"
# ## Build: is the search any good?
#
# Ask this **before** a model answers anything: what was not found cannot be answered. *recall@k* is the share of questions whose right page is among the first k.
#
# **Exercise (5 min).**
# %% [markdown] lang="ja" of="e7b78dd7"
# ## つくる: 検索の良し悪しを測る
#
# モデルに答えさせる**前に**測りましょう。見つからなかったことには、答えようがありません。*recall@k* は、正解の文書が上位 k 件に入った質問の割合です。
#
# **演習（5 分）。**
# %% tags=["exercise"]
def recall_at_k(ranked, gold, k):
    ...  # your code → from 0 to 1


recall_at_k = lab.check("recall_at_k", recall_at_k)
# %% [markdown] lang="en"
# recall@k does not care whether the page came first or fifth. The **mean reciprocal rank** (MRR) does.
#
# **Exercise (4 min).**
# %% [markdown] lang="ja" of="530ecea8"
# recall@k では、正解が 1 位でも 5 位でも同じです。**平均逆順位**（MRR）は、その違いを見ます。
#
# **演習（4 分）。**
# %% tags=["exercise"]
def mean_reciprocal_rank(ranked, gold):
    ...  # your code → from 0 to 1


mean_reciprocal_rank = lab.check("mean_reciprocal_rank", mean_reciprocal_rank)
# %%
for language, store in stores.items():
    rows = searching.questions(language, "test", answerable=True)
    gold = [row["document"] for row in rows]
    found = searching.documents_found(store, rows, "vector")
    print(
        f"{language}: {len(rows)} questions, by vectors: recall@5 {recall_at_k(found, gold, 5):.3f},"
        f" MRR {mean_reciprocal_rank(found, gold):.3f}"
    )
# %% [markdown] lang="en"
# ## Break it: the embedder cannot read Japanese
#
# English works. Japanese falls far behind, and nothing complained. Here is one question in both languages, with its cosine to *every* page:
# %% [markdown] lang="ja" of="e8cafb07"
# ## 壊す: 日本語の読めない埋め込みモデル
#
# 英語ではうまくいきました。日本語ではずっと悪いのに、エラーは出ません。ある質問を日英で尋ね、*すべての*文書とのコサインを並べてみます。
# %%
from lab_helpers.figures import retrieval as figures

lab.figure(figures.nearest(searching.two_questions(stores)), "nearest")
for text in ("How heavy is the Shizuku?", "加湿器の水は何リットルですか。"):
    print(embedder.tokenizer.tokenize(text))
# %% [markdown] lang="en"
# Its vocabulary has few kanji: 湿 and 器 become `[UNK]`, the rest falls into single characters. To this model all Japanese texts look alike: every cosine is *high*, and there is hardly a slope.
#
# ## Mend it: search by words
#
# BM25 counts shared words, the rare ones most; no model is needed. Japanese puts no spaces between words, so LanceDB indexes overlapping pairs of characters, **n-grams**: 加湿器 is found through 加湿 and 湿器.
#
# Two searches, two lists. Cosines and BM25 scores have nothing in common, but *ranks* do: **reciprocal rank fusion** gives each item the sum of 1 / (60 + rank) (Cormack et al. 2009).
#
# **Exercise (8 min).**
# %% [markdown] lang="ja" of="f141a42f"
# 語彙に漢字がほとんどないので、「湿」も「器」も `[UNK]` になり、残りは 1 文字ずつに分かれます。このモデルには、日本語の文章はどれも同じに見えます。コサインはどれも*高く*、ほとんど差がありません。
#
# ## 直す: 文字で検索する
#
# BM25 は共通する語を数え、珍しい語ほど重く見ます。モデルは要りません。日本語では語の間に空白がないので、LanceDB には隣り合う文字の組、**n-gram** を索引として持たせます。「加湿器」は「加湿」と「湿器」から見つかります。
#
# 検索が 2 つあれば、順位表も 2 つできます。コサインと BM25 のスコアは比べられませんが、*順位*なら比べられます。**Reciprocal Rank Fusion**（RRF）では、各項目のスコアを 1 / (60 + 順位) の和とします（Cormack et al. 2009）。
#
# **演習（8 分）。**
# %% tags=["exercise"]
def reciprocal_rank_fusion(rankings, k=60):
    ...  # your code → the items, best first


reciprocal_rank_fusion = lab.check("reciprocal_rank_fusion", reciprocal_rank_fusion)
# %%
row = searching.example("en", "q-001-3")
by_meaning, by_words = searching.rankings(stores["en"], row["question"])
print(row["question"], "→", row["document"])
print("meaning:", by_meaning[:5])
print("words:  ", by_words[:5])
print("fused:  ", reciprocal_rank_fusion([by_meaning, by_words])[:5])
# %%
rows = [row for language, store in stores.items() for row in searching.retrieval_rows(store, language)]
shown = searching.means(rows)
lab.table(shown, "retrieval")
lab.measured(
    **searching.retrieval_metrics(rows), **searching.equal_weights_metrics(lab.run, embedder, "ja")
)
lab.figure(figures.modes(shown), "modes")
lab.compare("japanese_vectors")
print("Japanese, both searches counting alike:", round(lab.run.metrics["recall_at_5_ja_equal_weights"], 3))
# %% [markdown] lang="en"
# The words rescue Japanese, and in English meaning and words together put the right page first more often than either alone (MRR). But fusion is no magic: **a blind voter with a full vote does harm.** With equal weights Japanese falls well behind the words alone; the store therefore gives the vectors of a question that its embedder cannot read a weight of 0.05, chosen on the *validation* questions. (`labs rag index --embedder` takes a multilingual model. Then both count alike.)
#
# ## Break it: chunks of the wrong size
#
# A manual is longer than our pages, so eight pages at a time are joined and cut again, into 8 to 512 tokens.
# %% [markdown] lang="ja" of="12a06a13"
# 日本語は文字検索に救われ、英語では、意味と文字の両方を使うほうが、どちらか一方より正解が上位に来ます（MRR）。ただし、融合は魔法ではありません。**何も見えていない人に満票を与えれば、害になります。** 重みを同じにすると、日本語では文字だけの検索に劣ります。そこで、埋め込みモデルが読めない質問では、ベクトル検索の重みを 0.05 に下げています（*検証用*の質問で決めた値です）。`labs rag index --embedder` で多言語モデルを指定すれば、重みは同じになります。
#
# ## 壊す: チャンクの大きさ
#
# 本物のマニュアルは、ここの文書より長いものです。そこで 8 件ずつつなげてから、8〜512 トークンに切り直します。
# %%
chunk_table = searching.chunk_rows(lab.run, embedder)
lab.run.table("chunks", chunk_table)
lab.measured(**searching.chunk_metrics(chunk_table))
lab.table([row for row in searching.at_five(chunk_table)], columns=["tokens", "chunks", "truncated", "answer found", "tokens to read"])  # fmt: skip
lab.figure(figures.chunk_sizes(chunk_table), "chunks")
# %% [markdown] lang="en"
# *Too small*: the piece "weighs 47 kg" no longer says what weighs it, and half of an answer is in the next piece. *Too large*: MiniLM reads 256 tokens and **cuts the rest off without a word**; what it has not read it cannot find. And the model has to read whatever is found: at 256 tokens almost four times as much as at 64, for a few points more.
#
# ## Explore
#
# Choose a chunk size and a k. Which point would you pay for?
# %% [markdown] lang="ja" of="a017e8dd"
# *小さすぎる*と、「重さは 47 kg」という断片からは何の重さか分からず、答えの半分が次の断片に行ってしまうこともあります。*大きすぎる*と、MiniLM が読めるのは 256 トークンまでで、**残りは何も言わずに切り捨てられます**。読んでいないものは見つかりません。しかも、見つかった文章はモデルが全部読むことになります。256 トークンでは、64 トークンのときのほぼ 4 倍を読ませて、数ポイントの差です。
#
# ## 触ってみる
#
# チャンクの大きさと k を選んでみてください。どの点になら、お金を払いますか。
# %%
from lab_helpers.figures.widgets import retrieval_explorer

lab.figure(figures.chunk_explorer(chunk_table, 64, 5), "explorer")
retrieval_explorer(
    lambda size, k: figures.chunk_explorer(chunk_table, size, k),
    lab.sizes["chunk_tokens"],
    searching.MOST,
)
# %% [markdown] lang="en"
# ## Build: when to say nothing
#
# Something always comes first, also for a question that no page answers, and its *fused* score is always the same. To abstain you need a score that says how well a hit fits: the cosine (BM25 in Japanese). Where is the limit? Choose it on validation questions, some of which have no answer.
#
# **Exercise (8 min).**
# %% [markdown] lang="ja" of="35bf16a2"
# ## つくる: 答えないとき
#
# どの文書にも答えがない質問でも、必ず何かが 1 位になり、その*融合*スコアはいつも同じです。答えるのを控えるには、どれだけ合っているかを表すスコアが要ります。英語ではコサイン、日本語では BM25 です。では、どこで線を引くのでしょうか。答えのない質問を含む、検証用の質問で決めます。
#
# **演習（8 分）。**
# %% tags=["exercise"]
def abstain_threshold(scores, answerable):
    ...  # your code → a score


abstain_threshold = lab.check("abstain_threshold", abstain_threshold)
# %%
panels = {
    language: searching.answerability(store, language, lab.sizes["k"])
    for language, store in stores.items()
}
for language, found in panels.items():
    lab.measured(**searching.answerability_metrics(found, language))
lab.figure(figures.answerability(panels), "answerability")
print({k: round(v, 2) for k, v in lab.run.metrics.items() if k.startswith(("answerable_auc", "abstain_by"))})
# %% [markdown] lang="en"
# Not a clean cut. "How many turns per minute does the Nagare spin?" has no answer, but two pages about the Nagare, and the score is high: **a retriever measures whether a text is about the same thing, not whether the answer is in it.** Whoever refuses more of the unanswerable also refuses good questions.
#
# ## Build: a reader
#
# Now somebody must read the passages. The untuned Kotori can, a little. We train two adapters on the *same* archive of support mails:
#
# - **by heart** (SFT): question → answer, with the true numbers. The closed book of lab 04.
# - **RAFT** (Zhang et al. 2024): question + passages → answer with the number of its source. One passage holds the answer (the *oracle*), the other distracts; in a fifth of the rows no passage answers, and the right reply is to decline. All numbers are **drawn anew in every row**: there is nothing to learn by heart, only to read.
#
# And a third for comparison, which has only ever seen the oracle.
# %% [markdown] lang="ja" of="5df095f5"
# きれいには分かれません。「ナガレの脱水は毎分何回転ですか」に答える文書はありませんが、ナガレについての文書はあるので、スコアは高くなります。**検索が測るのは、同じ話題かどうかであって、答えが書いてあるかどうかではありません。** 答えのない質問をより多く断れば、良い質問まで断ることになります。
#
# ## つくる: 読み手
#
# 次は、見つかった文章を読む番です。調整していない Kotori も、少しは読めます。ここでは、*同じ*問い合わせの記録から 2 つのアダプターを学習します。
#
# - **丸暗記**（SFT）: 質問 → 答え。数字は本物です。ラボ 04 の「資料なし」のモデルです。
# - **RAFT**（Zhang et al. 2024）: 質問 + 資料 → 出典番号つきの答え。1 件だけが答えを含み（*oracle*）、もう 1 件は紛らわしいだけの文書です。5 行に 1 行はどの資料にも答えがなく、差し控えるのが正解です。数字は**行ごとに引き直す**ので、暗記できるものはなく、読むしかありません。
#
# 比較のために、oracle しか見たことのない 3 つめも学習します。
# %%
from lab_helpers.headless import lab07_training as training

language = lab.sizes["languages"][0]
for name, examples in training.all_examples(lab.run, language).items():
    example = examples[3]
    print(f"--- {name}: {len(examples)} rows\n{example['prompt'][0]['content']}")
    print("→", example["completion"][0]["content"], "\n")
# %%
from peft import LoraConfig
from trl import SFTConfig

from lab_helpers.tuning.trainer_config import trainer_config

adapter = LoraConfig(
    r=lab.sizes["rank"],
    lora_alpha=2 * lab.sizes["rank"],
    target_modules="all-linear",
    task_type="CAUSAL_LM",
)
settings = trainer_config(
    SFTConfig,
    lab.run,
    max_steps=lab.sizes["steps"],
    per_device_train_batch_size=lab.sizes["batch_size"],
    learning_rate=lab.sizes["learning_rate"],
    lr_scheduler_type="cosine",
    warmup_steps=0.1,
    max_length=lab.sizes["max_length"],
)
seconds = training.train(lab.run, language, settings, adapter)
lab.measured(**seconds)
print({name: round(value) for name, value in seconds.items()})
# %% [markdown] lang="en"
# ## Measure: two by two
#
# {base, tuned} × {closed book, with passages}, all on the same 220 test questions, 44 of which no page answers. *Right*: the answer (or all of its numbers) is in the reply. *In tone*: the house's opening and closing. *Invents*: a number that stands neither in the question nor on its page (a lower bound; invented words are not seen). The base is asked in the way that works best *for it* on the validation questions.
# %% [markdown] lang="ja" of="af78447f"
# ## 測る: 2 × 2
#
# {ベース、調整済み} × {資料なし、資料あり} を、同じ 220 のテスト質問で比べます。うち 44 問には、答えの書かれた文書がありません。*正しい*: 回答に答え（またはその数字すべて）がある。*口調*: 会社の書き出しと結び。*作り話*: 質問にも該当の文書にもない数字を言った（下限です。作られた言葉までは見つけられません）。ベースには、検証用の質問で*ベースにとって*最も良かった聞き方をします。
# %%
from lab_helpers.headless import lab07_cells as cells

models = training.readers(lab.run, language)
answers = cells.answers(lab.run, models, stores[language], language)
lab.run.table("replies", cells.reply_rows(answers))
lab.table(cells.reply_rows(answers, 4))
# %%
lab.measured(**cells.answer_metrics(answers, language))
grid = cells.cell_rows(lab.run.metrics, searching.suffix(language))
lab.run.table("cells", grid)
lab.measured(**cells.gains(lab.run.metrics))
lab.figure(figures.two_by_two(grid), "two_by_two")
# %% [markdown] lang="en"
# Read the panels one after another. (Framed is the best, with whatever its interval overlaps.)
#
# - **Right** comes from the passages. Both closed-book cells stay at zero; the tuned one answers in perfect manners.
# - **In tone** comes from tuning.
# - **Both at once** only the hybrid has. That part of claim 40 holds without reservation.
# - **Invents**: learning the archive *by heart* more than doubled the made-up numbers. Passages take them down again, below the base; not to zero. Kotori has five million parameters and often copies the wrong number. Larger readers copy better; the table that tells you how much better is this one.
#
# Is the hybrid also *more often right* than RAG alone? Not here: the same, within the intervals. Balaguer et al. (2024) gained 6 points by tuning and 5 more by RAG; Ovadia et al. (2023) did not always find a gain over RAG alone. What tuning adds here is the form.
# %% [markdown] lang="ja" of="c2cd552d"
# 1 つずつ読んでみましょう（太枠は、最良のものと、区間がそれと重なるものです）。
#
# - **正しさ**は資料から来ます。資料なしの 2 つはほぼ 0 で、調整済みのほうは、完璧な作法で間違えます。
# - **口調**はチューニングから来ます。
# - **その両方**を満たすのは、併用だけです。主張 40 のうち、ここは無条件に成り立ちます。
# - **作り話**: 記録を*丸暗記*させると、でたらめな数字は 2 倍以上に増えました。資料を渡すとベースより少なくなりますが、0 にはなりません。Kotori は 500 万パラメータしかなく、違う数字を写してしまうことがよくあります。大きなモデルなら、もっと正確に写せます。どれだけ正確になるかは、この表で測れます。
#
# では、併用は RAG だけより*正しい*のでしょうか。ここでは、区間の範囲内で同じでした。Balaguer ら（2024）は、チューニングで 6 ポイント、RAG でさらに 5 ポイント改善しましたが、Ovadia ら（2023）では、RAG のみを上回るとは限りませんでした。ここでチューニングが加えたのは、答えの形です。
# %%
lab.measured(**cells.abstaining(lab.run, stores[language], answers, language))
for name in ("abstain_rate_unanswerable", "abstain_rate_answerable", "hybrid_correct_gain"):
    print(f"{name:26s} {lab.run.metrics[name]:+.2f}")
waiting = cells.latencies(lab.run, models, answers, language)
lab.measured(**cells.latency_metrics(waiting))
print({cell: f"{1000 * one.p50:.0f} ms" for cell, one in waiting.items()}, "half of the replies within")
# %% [markdown] lang="en"
# ## Measure: more passages, more help?
#
# A larger k finds the answer more often. But somebody has to read it all. Here are the two readers on the validation questions, under one, two and three passages:
# %% [markdown] lang="ja" of="b28cfcea"
# ## 測る: 資料は多いほど良いか
#
# k を大きくすれば、答えの含まれる割合は上がります。しかし、それを全部読むのはモデルです。2 つの読み手に、検証用の質問を、資料 1〜3 件で尋ねます。
# %%
reading = cells.reading_rows(lab.run, models, stores[language], language)
lab.table(reading, "reading")
lab.measured(**cells.reading_metrics(reading, language))
lab.figure(figures.reading(reading), "reading")
# %% [markdown] lang="en"
# The grey line rises: the search finds more. The reader that has only ever seen the right passage is best with a single one and falls with every further passage: what the search gains, it loses in reading. The one trained among distractors stays level. That is the point of RAFT, and the reason why **k is chosen for the pair**, retriever and reader, on validation questions (mind the intervals: 80 questions). For the reader of this lab it is 2.
#
# ## Break it: a price changes
#
# This morning every product became 1,300 yen dearer. The documents are updated; no model is trained.
# %% [markdown] lang="ja" of="860fb5c7"
# 灰色の線は上がります。検索では、より多く見つかるのです。ところが、正解の資料しか見たことのない読み手は、1 件のときが最も良く、資料が増えるたびに下がります。検索で得た分を、読むときに失うのです。紛らわしい資料の中で学習した読み手は、ほぼ横ばいです。これが RAFT の狙いであり、**k を検索と読み手の組に対して**検証用の質問で選ぶ理由です（質問は 80 問なので、区間の広さにも注意してください）。このラボの読み手では 2 でした。
#
# ## 壊す: 価格が変わる
#
# 今朝、すべての製品が 1,300 円値上がりしました。文書は更新しますが、モデルは学習し直しません。
# %%
from lab_helpers.headless import lab07_update as updating

changed = updating.ask_new_prices(lab.run, models, stores[language], language)
lab.table(updating.new_price_rows(changed), "new prices")
lab.measured(**updating.new_price_metrics(changed, language))
for name in ("updated_fact_retrieved", "updated_fact_rag", "updated_fact_closed"):
    print(f"{name:24s} {lab.run.metrics[name]:.2f}")
lab.compare("updated")
# %% [markdown] lang="en"
# The store knew the new prices at once. The model without documents cannot know them, and would have to be trained again for every change. The reader had most of the new prices before it and still often copied another amount from the same page: **retrieval made the answer available, reading it is the model's part.** With a larger model this second number approaches the first.
#
# ## Verdict
# %% [markdown] lang="ja" of="a9471f4d"
# ストアは、新しい価格をすぐに返しました。資料を見ないモデルには知りようがなく、変更のたびに学習し直すしかありません。読み手は、新しい価格のほとんどを目の前に渡されながら、同じ文書の別の金額を写すことが少なくありませんでした。**検索で答えは手に入りますが、読み取るのはモデルの役目です。** モデルが大きくなれば、2 つめの数字は 1 つめに近づきます。
#
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## Scale up
#
# - **Your own documents:** `labs run 07 --data FOLDER` takes a folder of .txt, .md, .html and .pdf files through this lab: what could not be read and why, recall@5 (on your questions if the folder has a `questions.jsonl`, else on its own sentences), answers beside their passages.
# - **To keep:** `labs rag index FOLDER --store STORE`, then `labs rag ask "…" --store STORE`. Run the index again after a change: unchanged documents cost nothing, and a killed run goes on. `--store s3://bucket/path` keeps the same store in object storage.
# - **How cost grows:** `labs bench rag` measures indexing, search time and memory from 1,000 to 100,000 passages.
# - On a T4 the same cells run with an instruction-tuned model and, as `languages = ["en", "ja"]` in the profile says, in both languages.
# %% [markdown] lang="ja" of="f8b25a7e"
# ## 大きくする
#
# - **自分の文書:** `labs run 07 --data フォルダー` で、.txt・.md・.html・.pdf の入ったフォルダーをこのラボにかけられます。読めなかったファイルとその理由、recall@5（フォルダーに `questions.jsonl` があればその質問で、なければ文書自身の文で）、資料つきの回答が得られます。
# - **使い続けるなら:** `labs rag index フォルダー --store ストア`、続いて `labs rag ask "…" --store ストア`。文書を変えたら、もう一度 index を実行します。変わっていない文書に時間はかからず、途中で止まっても続きから始まります。`--store s3://バケット/パス` で、同じストアをオブジェクトストレージに置けます。
# - **規模とコスト:** `labs bench rag` は、1,000 件から 100,000 件までの索引付け・検索時間・メモリを測ります。
# - T4 では、同じセルが指示チューニング済みのモデルで動き、プロファイルの `languages = ["en", "ja"]` のとおり、両方の言語で測ります。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 08. LoRA is one of many adapters: the others, on one task, at their own best learning rates.
# %% [markdown] lang="ja" of="7a3a1619"
# **次は:** ラボ 08 です。LoRA は数あるアダプターの 1 つにすぎません。ほかの方式を、同じ課題で、それぞれに最適な学習率で比べます。
