"""The test suite's own guards hold: no network, a home of one's own, English."""

import os
import socket
from pathlib import Path

import pytest

from lab_helpers.runtime.language import language, set_language
from lab_helpers.runtime.paths import home


@pytest.mark.parametrize("name", ["connect", "connect_ex"])
def test_a_connection_that_leaves_the_machine_is_refused(name):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing,
        pytest.raises(RuntimeError, match="tried to reach the network"),
    ):
        getattr(outgoing, name)(("192.0.2.1", 9))


def test_a_local_connection_is_allowed():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
        server.accept()[0] as accepted,
    ):
        client.sendall(b"x")
        assert accepted.recv(1) == b"x"


def test_lab_home_is_temporary():
    assert home() == Path(os.environ["LAB_HOME"])
    assert home().is_dir()
    assert Path.home() / ".llm-finetuning-labs" != home()


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_language_set_by_hand_does_not_outlive_its_test(attempt):
    assert language() == "en"
    set_language("ja")
    assert language() == "ja"
