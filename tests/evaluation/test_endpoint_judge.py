"""The judge on a server: a fake one on 127.0.0.1 that answers, errs, stalls, lies and counts."""

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lab_helpers.evaluation.endpoint_judge import OUT_OF_FORMAT, SERVER_ERROR, TIMED_OUT
from lab_helpers.evaluation.judge import EndpointJudge
from lab_helpers.evaluation.win_rate import judged_both_ways
from lab_helpers.runtime.errors import BadInput, MissingDependency

KEY = "sk-very-secret-0123456789"


class FakeServer(ThreadingHTTPServer):
    """``replies`` are taken in order, the last for ever: a text, a status, or a function of the handler."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list = ["[[A]]"]
        self.seen: list[dict] = []
        self.address = f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        server.seen.append(
            {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, **body}
        )
        reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
        if callable(reply):
            reply(self, body)
        elif isinstance(reply, int):
            self.give(reply, {"error": f"you sent {self.headers.get('authorization')}"})
        else:
            self.give(200, {"choices": [{"message": {"content": reply}}]})

    def give(self, status: int, value, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = FakeServer()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def make(server, waits):
    def judge(**options):
        options = {"timeout": 5.0, "sleep": waits.append} | options
        return EndpointJudge(server.address, "m", **options)

    return judge


def content(handler, body) -> None:
    """Prefers the reply with "good" in it, wherever it stands."""
    text = body["messages"][1]["content"]
    first = text.index("good") < text.index("bad")
    handler.give(200, {"choices": [{"message": {"content": f"[[{'A' if first else 'B'}]]"}}]})


@pytest.mark.parametrize(("answer", "wanted"), [("[[A]]", 1), ("[[B]]", 0), ("[[C]]", 0.5)])
def test_the_verdict_is_the_chance_of_the_first(server, make, answer, wanted):
    server.replies = [f"Because. {answer}"]
    judge = make()
    assert judge("question", "one", "two") == wanted
    (request,) = server.seen
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["temperature"]) == ("m", 0)
    asked = request["messages"][1]["content"]
    assert asked.index("question") < asked.index("one") < asked.index("two")
    assert "[[C]]" in request["messages"][0]["content"]
    assert judge.problems == []


def test_both_orders_are_read_and_a_steady_judge_is_steady(server, make):
    server.replies = [content]
    won, steady = judged_both_ways(
        make(language="ja"), ["?", "?"], ["good", "bad"], ["bad", "good"]
    )
    assert (won.tolist(), steady) == ([1, 0], 1)


def test_a_server_that_likes_the_first_place_decides_nothing(make):
    won, steady = judged_both_ways(make(), ["?"], ["x"], ["y"])
    assert (won.tolist(), steady) == ([0.5], 0)


def test_ties_in_both_orders_are_a_tie_and_steady(server, make):
    server.replies = ["[[C]]"]
    won, steady = judged_both_ways(make(), ["?"], ["x"], ["y"])
    assert (won.tolist(), steady) == ([0.5], 1)


# --- answers out of format ------------------------------------------------------------------------


def test_an_answer_out_of_format_is_asked_again_once(server, make):
    server.replies = ["I would rather not say.", "[[B]]"]
    judge = make()
    assert judge("p", "a", "b") == 0
    assert judge.problems == []
    assert [m["role"] for m in server.seen[1]["messages"]] == ["system", "user", "assistant", "user"]  # fmt: skip


@pytest.mark.parametrize(
    "reply",
    [
        "No idea.",
        lambda handler, body: handler.give(200, b"<html>welcome to the proxy</html>"),
        lambda handler, body: handler.give(200, {"choices": []}),
        lambda handler, body: handler.give(200, {"choices": [{"message": {"content": None}}]}),
        lambda handler, body: handler.give(200, b"\xff\xfe not utf-8"),
        lambda handler, body: handler.give(200, ["a", "list"]),
        lambda handler, body: handler.give(200, b"[" * 100_000),
    ],
)
def test_out_of_format_twice_is_a_tie_and_reported(server, make, reply):
    server.replies = [reply]
    judge = make()
    assert judge("the prompt", "a", "b") == 0.5
    (problem,) = judge.problems
    assert (problem.kind, problem.prompt) == (OUT_OF_FORMAT, "the prompt")
    assert judge.problem_counts() == {OUT_OF_FORMAT: 1}
    assert len(server.seen) == 2


# --- errors ---------------------------------------------------------------------------------------


def test_a_busy_server_is_asked_again_after_the_wait_it_names(server, make, waits):
    server.replies = [lambda handler, body: handler.give(429, {}, retry_after="7"), 500, "[[A]]"]
    judge = make()
    assert judge("p", "a", "b") == 1
    assert waits == [7, 2]
    assert judge.problems == []


def test_no_wait_is_longer_than_half_a_minute(server, make, waits):
    server.replies = [lambda h, b: h.give(429, {}, retry_after="86400"), "[[A]]"]
    make()("p", "a", "b")
    assert waits == [30]


def test_a_server_that_keeps_erring_costs_a_tie_and_then_stops_the_run(server, make):
    server.replies = [500]
    judge = make(tries=2, give_up_after=2)
    assert judge("p", "a", "b") == 0.5
    assert judge.problem_counts() == {SERVER_ERROR: 1}
    with pytest.raises(BadInput, match="no answer to 2 pairs in a row"):
        judge("q", "a", "b")
    assert judge.requests == 4


def test_one_good_answer_ends_a_row_of_failures(server, make):
    server.replies = [500, "[[A]]", 500, "[[A]]"]
    judge = make(tries=1, give_up_after=2)
    assert [judge(p, "a", "b") for p in "1234"] == [0.5, 1, 0.5, 1]


@pytest.mark.parametrize(("status", "word"), [(401, "key"), (403, "key"), (404, "base_url"), (400, "base_url")])  # fmt: skip
def test_what_waiting_cannot_mend_stops_at_once(server, make, waits, status, word):
    server.replies = [status]
    with pytest.raises(BadInput, match=f"status {status}.*{word}"):
        make()("p", "a", "b")
    assert (len(server.seen), waits) == (1, [])


def test_a_redirect_is_not_followed(server, make):
    server.replies = [lambda h, b: h.give(302, {}, location="http://127.0.0.1:9/elsewhere")]
    with pytest.raises(BadInput, match="302"):
        make()("p", "a", "b")


def test_nothing_listening_says_so():
    with pytest.raises(BadInput, match=r"nothing answers.*Start the server"):
        EndpointJudge("http://127.0.0.1:9/v1", "m", timeout=2.0)("p", "a", "b")


def test_a_silent_server_is_left_after_the_timeout(server, make):
    gate = threading.Event()
    server.replies = [lambda handler, body: gate.wait(5)]
    judge = make(timeout=0.2, tries=1)
    assert judge("p", "a", "b") == 0.5
    gate.set()
    assert judge.problem_counts() == {TIMED_OUT: 1}


def test_a_server_that_never_stops_writing_is_left(server, make):
    def trickle(handler, body):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    def flood(handler, body):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"x" * 100_000)
        except OSError:
            return

    server.replies = [trickle, flood]
    judge = make(timeout=0.4, tries=1)
    assert [judge("p", "a", "b"), judge("q", "a", "b")] == [0.5, 0.5]
    assert [p.kind for p in judge.problems] == [TIMED_OUT, SERVER_ERROR]


def test_a_connection_cut_in_the_middle_is_an_error_of_the_server(server, make):
    def cut(handler, body):
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices"')
        handler.close_connection = True

    server.replies = [cut, "[[B]]"]
    assert make()("p", "a", "b") == 0


# --- paying once ----------------------------------------------------------------------------------


def test_a_rerun_pays_nothing(server, make, tmp_path):
    server.replies = ["no verdict", "[[B]]", "[[A]]"]
    cache = tmp_path / "new" / "answers.jsonl"
    first = [make(cache=cache)(p, "a", "b") for p in ("1", "2")]
    paid = len(server.seen)
    judge = make(cache=cache)
    assert [judge(p, "a", "b") for p in ("1", "2")] == first == [0, 1]
    assert (judge.requests, len(server.seen)) == (0, paid)


def test_failures_are_not_kept_but_verdicts_before_them_are(server, make, tmp_path):
    server.replies = ["[[A]]", 401]
    cache = tmp_path / "answers.jsonl"
    judge = make(cache=cache)
    assert judge("1", "a", "b") == 1
    with pytest.raises(BadInput):
        judge("2", "a", "b")
    server.replies = ["[[B]]"]
    again = make(cache=cache)
    assert [again(p, "a", "b") for p in ("1", "2")] == [1, 0]
    assert again.requests == 1


def test_another_model_or_wording_is_another_question(server, make, tmp_path):
    cache = tmp_path / "answers.jsonl"
    make(cache=cache)("p", "a", "b")
    make(cache=cache, instruction="Judge! [[A]] [[B]] [[C]]")("p", "a", "b")
    EndpointJudge(server.address, "other", cache=cache)("p", "a", "b")
    make(cache=cache)("p", "b", "a")
    assert len(server.seen) == 4


def test_a_half_written_line_spoils_only_itself(server, make, tmp_path):
    cache = tmp_path / "answers.jsonl"
    make(cache=cache)("1", "a", "b")
    with cache.open("ab") as stream:
        stream.write(b'\n{"key": "abc", "ans\xff')
    make(cache=cache)("2", "a", "b")
    judge = make(cache=cache)
    assert [judge(p, "a", "b") for p in ("1", "2")] == [1, 1]
    assert judge.requests == 0


def test_a_cache_that_cannot_be_written_says_so(make, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="cannot write"):
        make(cache=tmp_path / "file" / "answers.jsonl")("p", "a", "b")
    with pytest.raises(BadInput, match="cannot read"):
        make(cache=tmp_path)


# --- the key --------------------------------------------------------------------------------------


def test_the_key_travels_in_one_header_and_nowhere_else(server, make, tmp_path, monkeypatch, caplog, capfd):  # fmt: skip
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("JUDGE_KEY", KEY + "\n")
    cache = tmp_path / "answers.jsonl"
    judge = make(api_key_env="JUDGE_KEY", cache=cache, tries=1)
    judge("p", "a", "b")
    sent = {name.lower(): value for name, value in server.seen[0]["headers"].items()}
    assert sent["authorization"] == f"Bearer {KEY}"
    server.replies = [401]  # this server repeats the key in its answer
    with pytest.raises(BadInput) as refused:
        judge("q", "a", "b")
    server.replies = [500]
    judge("r", "a", "b")
    told = [str(refused.value), repr(judge), str(judge.problems), caplog.text, cache.read_text()]
    assert not any(KEY in text for text in [*told, *capfd.readouterr()])
    assert refused.value.__cause__ is None


def test_without_a_key_no_header_is_sent(server, make):
    make()("p", "a", "b")
    assert "authorization" not in server.seen[0]["headers"]


def test_a_key_that_is_not_there_stops_before_anything_is_sent(server, make, monkeypatch):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(MissingDependency, match="JUDGE_KEY is not set"):
        make(api_key_env="JUDGE_KEY")
    monkeypatch.setenv("JUDGE_KEY", "sk-\nsplit\nkey")
    with pytest.raises(BadInput, match="Copy it again"):
        make(api_key_env="JUDGE_KEY")
    assert server.seen == []


@pytest.mark.parametrize(
    ("address", "key", "message"),
    [
        ("ftp://host/v1", None, "not the address"),
        ("just words", None, "not the address"),
        ("", None, "not the address"),
        ("http://[::1", None, "not the address"),
        ("https://user:secret@host/v1", None, "holds a password"),
        ("http://example.com/v1", "JUDGE_KEY", "unencrypted"),
    ],
)
def test_addresses_that_cannot_be_used(address, key, message, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with pytest.raises(BadInput, match=message) as refused:
        EndpointJudge(address, "m", api_key_env=key)
    assert "secret" not in str(refused.value)


def test_making_a_judge_sends_nothing(server, make):
    make()
    assert server.seen == []


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(make, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert make()("p", "a", "b") == 1
