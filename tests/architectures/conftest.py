"""Small random models of the architectures that learners bring."""

import pytest
from random_models import FAMILIES, save_random_model


@pytest.fixture(scope="session", params=FAMILIES)
def architecture(request, tmp_path_factory):
    """``(family, folder)``: a saved random model as a learner's own, loaded with ``--model FOLDER``."""
    return request.param, save_random_model(
        tmp_path_factory.mktemp("families") / request.param, request.param
    )
