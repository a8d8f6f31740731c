"""The same code on object storage: a local server that speaks S3."""

from functools import partial

import pytest
from letters_embedder import LettersEmbedder

from lab_helpers.rag.chunks import by_sentences
from lab_helpers.rag.documents import shipped_documents
from lab_helpers.rag.store import Store
from lab_helpers.runtime.errors import BadInput

CUT = {"chunker": partial(by_sentences, size=120)}


@pytest.fixture(scope="module")
def bucket():
    """Address and options of an empty bucket on 127.0.0.1."""
    server = pytest.importorskip(
        "moto.server", reason="moto[server,s3] is not installed: no S3-compatible server here"
    )
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
    client = boto3.client(
        "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys
    )
    client.create_bucket(Bucket="labs")
    options = keys | {
        "aws_region": "us-east-1",
        "aws_endpoint": f"http://{host}:{port}",
        "allow_http": "true",
    }
    yield "s3://labs/store", {"storage_options": options}
    running.stop()


def test_same_content_and_hits_as_in_a_folder(bucket, tmp_path):
    uri, options = bucket
    stores = [
        Store(where, LettersEmbedder(), **CUT, **more)
        for where, more in ((tmp_path / "store", {}), (uri, options))
    ]
    documents = shipped_documents("en")[:12]
    for store in stores:
        assert store.add(documents[:8]).added == 8
        assert store.add(documents).unchanged == 8
        store.remove(documents[0].id)
    local, remote = stores
    assert local.digests() == remote.digests()
    for query in ("How much is the Suzukaze?", "two years of warranty"):
        for mode in ("vector", "text", "hybrid"):
            assert [(h.id, pytest.approx(h.score)) for h in local.search(query, 5, mode)] == [
                (h.id, h.score) for h in remote.search(query, 5, mode)
            ]
    again = Store(uri, LettersEmbedder(), create=False, **CUT, **options)
    assert again.count() == local.count()


def test_nothing_there(bucket):
    uri, options = bucket
    with pytest.raises(BadInput, match="no store at"):
        Store(uri + "-missing", LettersEmbedder(), create=False, **options)


def test_another_embedder_is_refused(bucket):
    uri, options = bucket
    Store(uri + "-2", LettersEmbedder(), **CUT, **options)
    other = LettersEmbedder()
    other.fingerprint = "else"
    with pytest.raises(BadInput, match="was built with the embedder"):
        Store(uri + "-2", other, **options)
