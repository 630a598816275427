"""What is logged below the commands: shown by programs as ever, and left to `logging` elsewhere."""

import logging

import pytest

from birdml import log
from birdml.commands.command import entry_point

OURS = logging.getLogger("birdml.tracking.retry")
RESULTS = logging.getLogger("birdml.tracking.champions")


def test_lines_go_where_a_command_says_such_things(capsys):
    with log.shown():
        OURS.info("registered again")
        OURS.warning("away [%s]", 3)
        RESULTS.warning("passed over")
        RESULTS.error("no figure")
        OURS.debug("too much")
    said = capsys.readouterr()
    assert said.out == "registered again\npassed over\n"
    assert said.err == "away [3]\nno figure\n"


def test_they_are_shown_once_and_not_by_others_too(capsys, caplog):
    @log.shown()
    def twice():
        with log.shown():
            OURS.warning("one")
        OURS.warning("two")

    twice()
    twice()
    assert capsys.readouterr().err == "one\ntwo\none\ntwo\n"
    assert not caplog.messages


def test_nothing_stays_behind_and_a_library_only_logs(capsys, caplog):
    logger = logging.getLogger(log.NAME)
    before = logger.level, logger.propagate, list(logger.handlers)
    with pytest.raises(KeyError), log.shown():
        raise KeyError
    assert (logger.level, logger.propagate, logger.handlers) == before
    OURS.warning("away")
    assert caplog.messages == ["away"]
    assert capsys.readouterr() == ("", "")


def test_every_command_shows_them(capsys):
    @entry_point
    def thing():
        OURS.warning("away")
        raise KeyboardInterrupt

    with pytest.raises(SystemExit):
        thing.main([])
    assert capsys.readouterr().err.splitlines()[0] == "away"


def test_the_loggers_whose_warnings_are_results_are_there():
    import importlib

    for name in log.AMONG_RESULTS:
        assert importlib.import_module(name).logger.name == name
