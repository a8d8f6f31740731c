"""What the doctor finds in a class room: every problem is planted, and each has its way out."""

import json
import subprocess

import pytest

from lab_helpers.course.classroom import checks
from lab_helpers.course.classroom.bundle import BundleOrder, make_bundle
from lab_helpers.course.doctor import Finding
from lab_helpers.runtime.hardware import Hardware


def by_name(findings) -> dict:
    return {finding.name: finding for finding in findings}


@pytest.fixture
def carried(made, tiny_chat_model):
    """A bundle with the course's packages and a model."""
    make_bundle(made, BundleOrder(models=(str(tiny_chat_model),)))
    return made


@pytest.mark.slow
def test_this_machine_is_fit_for_a_class(monkeypatch):
    monkeypatch.setattr(checks, "check_machine", lambda profile: [Finding("Python", "3.11")])
    monkeypatch.setattr(checks, "check_port", lambda port: None)
    findings = checks.check_classroom()
    names = by_name(findings)
    assert {"machine", "Python", "course files", "loopback", "port 8888", "without network"} <= set(
        names
    )
    assert [finding for finding in findings if finding.level != "ok"] == []
    assert names["without network"].value == "Kotori answers"


def test_a_program_that_reaches_out_is_caught(monkeypatch):
    reaching = checks._WITHOUT_NETWORK.partition("from lab_helpers")[0]
    reaching += "socket.create_connection(('192.0.2.1', 80), timeout=1)"
    monkeypatch.setattr(checks, "_WITHOUT_NETWORK", reaching)
    found = checks.check_without_network()
    assert (found.level, found.value) == ("problem", "tried to reach 192.0.2.1")
    assert found.fix


def test_a_machine_that_is_far_too_slow(monkeypatch):
    def never(*arguments, **options):
        raise subprocess.TimeoutExpired("python", 300)

    monkeypatch.setattr(checks.subprocess, "run", never)
    assert checks.check_without_network().level == "problem"


def test_a_firewall_on_the_loopback(monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("Permission denied")

    monkeypatch.setattr(checks.socket, "create_connection", refuse)
    found = checks.check_loopback()
    assert (found.level, found.value) == ("problem", "Permission denied")
    assert "127.0.0.1" in found.fix


def test_a_hosts_file_that_sends_localhost_elsewhere(monkeypatch):
    look_up = checks.socket.getaddrinfo

    def elsewhere(host, *rest):
        return (
            [(None, None, None, "", ("10.0.0.5", 0))]
            if host == "localhost"
            else look_up(host, *rest)
        )

    monkeypatch.setattr(checks.socket, "getaddrinfo", elsewhere)
    found = checks.check_loopback()
    assert (found.level, found.value) == ("problem", "localhost = 10.0.0.5")


def test_a_taken_port_is_a_note_with_another_port(monkeypatch):
    with checks.socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(checks, "PORT", server.getsockname()[1])
        found = checks.check_jupyter_port()
    assert found.level == "note"
    assert "labs start --port" in found.fix


def test_a_course_without_its_notebooks(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "labs_folder", lambda: tmp_path)
    assert checks.check_course_files().level == "problem"


# Bundles


def test_a_whole_bundle_installs_here(carried):
    findings = checks.check_bundle(carried)
    names = by_name(findings)
    assert [finding for finding in findings if finding.level != "ok"] == []
    assert "sha256 verified" in names["bundle"].value
    assert {"models/chat", "packages for", "packages"} <= set(names)


def test_every_faulty_file_is_named(carried):
    (carried / "models/chat/model.safetensors").write_bytes(b"half")
    (carried / "models/chat/config.json").unlink()
    (carried / "wheels/evil-1.0-py3-none-any.whl").write_bytes(b"?")
    names = by_name(checks.check_bundle(carried))
    assert names["bundle: models/chat/model.safetensors"].value == "damaged"
    assert names["bundle: models/chat/config.json"].value == "missing"
    assert names["bundle: wheels/evil-1.0-py3-none-any.whl"].value == "not of this bundle"
    assert names["models/chat"].level == "problem"
    assert all(finding.fix for finding in names.values() if finding.level == "problem")


def test_a_hundred_faulty_files_do_not_fill_the_screen(carried):
    for number in range(100):
        (carried / f"models/chat/{number}.bin").write_bytes(b"")
    findings = checks.check_bundle(carried)
    assert len([finding for finding in findings if finding.level == "problem"]) == 21
    assert "80 more files" in [finding.value for finding in findings]


def test_a_bundle_for_other_machines(carried, monkeypatch):
    other = {"python": "3.13", "system": "Windows", "machine": "AMD64"}
    monkeypatch.setattr(checks, "this_machine", lambda: other)
    found = by_name(checks.check_bundle(carried))["packages for"]
    assert found.level == "problem"
    assert "this is Python 3.13, Windows AMD64" in found.value
    assert "labs bundle" in found.fix


def test_packages_that_do_not_install_are_pips_own_words(carried, monkeypatch):
    """A bundle whose manifest agrees with its files, and whose packages do not fit together."""
    from lab_helpers.course.classroom.manifest import read_manifest, write_manifest

    manifest = read_manifest(carried)
    (carried / "wheels/alpha-1.0-py3-none-any.whl").unlink()
    about = {key: value for key, value in manifest.items() if key not in ("files", "format")}
    write_manifest(carried, about, [path for path in manifest["files"] if "alpha" not in path])
    found = by_name(checks.check_bundle(carried))["packages"]
    assert found.level == "problem"
    assert "alpha" in found.value


def test_a_model_larger_than_the_memory_is_a_note(carried, monkeypatch):
    small = Hardware("cpu", "x", 0.0, None, 2, 0.0001)
    monkeypatch.setattr(checks, "detect", lambda: small)
    found = by_name(checks.check_bundle(carried))["models/chat"]
    assert found.level == "note"
    assert "labs fit" in found.fix


@pytest.mark.parametrize("what", ["none", "damaged"])
def test_what_is_no_bundle(tmp_path, what):
    if what == "damaged":
        (tmp_path / "manifest.json").write_text(json.dumps({"format": 1}))
    (found,) = checks.check_bundle(tmp_path)
    assert (found.name, found.level) == ("bundle", "problem")
    assert "labs bundle" in found.fix


def test_findings_are_told_in_japanese_too(carried, monkeypatch):
    from lab_helpers.runtime.language import speaking

    (carried / "models/chat/config.json").unlink()
    with speaking("ja"):
        names = by_name(checks.check_bundle(carried))
        assert names["bundle: models/chat/config.json"].value == "ありません"
        assert "コピーし直し" in names["models/chat"].fix
