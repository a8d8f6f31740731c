"""One step told by hand: to whoever listens, or to nobody."""

from lab_helpers.runtime.progress import install_reporter, report, report_with


def test_the_listener_hears_label_done_and_total():
    heard = []
    with report_with(lambda *step: heard.append(step)):
        report("SFT", 3, 10)
        report("SFT", 10, 10)
    report("SFT", 11, 10)
    assert heard == [("SFT", 3, 10), ("SFT", 10, 10)]


def test_nobody_listening_is_no_error():
    with report_with(None):
        report("SFT", 1, 2)


def test_an_installed_listener_hears_it_too():
    heard = []
    with report_with(None):
        install_reporter(lambda *step: heard.append(step))
        report("SFT", 1, 2)
        install_reporter(None)
        report("SFT", 2, 2)
    assert heard == [("SFT", 1, 2)]
