"""Records come straight from the logger where the progress logger is the only plugin."""

from __future__ import annotations

import logging
from logging.handlers import QueueHandler
from queue import Queue
from types import SimpleNamespace

from snakemake_logger_plugin_progress.directfeed import DirectFeed


def test_direct_feed_closes_the_queue_and_passes_each_record_once() -> None:
    seen: list[str] = []
    target = SimpleNamespace(handle=lambda record: seen.append(record.getMessage()))
    logger, queue = logging.Logger("test"), Queue()
    logger.addHandler(DirectFeed(logger, target))
    logger.addHandler(QueueHandler(queue))
    logger.warning("first")
    logger.warning("second")
    assert seen == ["first", "second"]
    assert queue.empty()


def test_direct_feed_without_a_queue_stays_out_of_the_way() -> None:
    seen: list[logging.LogRecord] = []
    logger = logging.Logger("test")
    logger.addHandler(DirectFeed(logger, SimpleNamespace(handle=seen.append)))
    logger.warning("first")
    assert seen == []
