from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tap_meta_partner.outputs.log_records import guard_logs
from tap_meta_partner.outputs.secrecy import HIDDEN, hide

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "EAAB-very-secret-token"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a stranger's logger writes, with a formatter that shows all there is."""
    before = logging.getLogRecordFactory()
    guard_logs()
    hide(SECRET)
    logger = logging.getLogger("somebody.elses")
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(AsJson())
    logger.addHandler(handler)
    logger.propagate = False
    yield out
    logger.removeHandler(handler)
    logger.propagate = True
    logging.setLogRecordFactory(before)


class AsJson(logging.Formatter):
    """Writes all of a record, and exceptions by their own text, as structured logs do."""

    def format(self, record: logging.LogRecord) -> str:
        """All of it."""
        content: dict[str, Any] = {**record.__dict__, "message": record.getMessage()}
        error = record.exc_info and record.exc_info[1]
        chain = []
        while error:
            chain.append((type(error).__name__, str(error), repr(error)))
            error = error.__cause__ or error.__context__
        return json.dumps({**content, "chain": chain, "text": super().format(record)}, default=repr)


def fail_because(cause: BaseException | None, text: str) -> None:
    raise ValueError(text) from cause


def logged(written: io.StringIO) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(written.getvalue())
    return content


def test_record__of_any_logger_is_scrubbed_as_finished_text(written: io.StringIO) -> None:
    """A secret that comes together only when the arguments are put in is found too."""
    logging.getLogger("somebody.elses").warning("/x?token=%s-%s", "EAAB-very", "secret-token")

    assert logged(written)["message"] == f"/x?token={HIDDEN}"
    assert SECRET not in written.getvalue()
    assert "secret-token" not in written.getvalue()


def test_exception__is_scrubbed_to_its_causes(written: io.StringIO) -> None:
    """Its text, that of what caused it and of what it was met in; name and place stay."""
    try:
        fail_because(KeyError(SECRET), f"bad {SECRET}")
    except ValueError:
        logging.getLogger("somebody.elses").exception("failed")

    assert SECRET not in written.getvalue()
    assert [name for name, *_ in logged(written)["chain"]] == ["ValueError", "KeyError"]
    assert f"ValueError: bad {HIDDEN}" in logged(written)["text"]
    assert "test_log_records.py" in logged(written)["text"]


def test_exception__without_a_secret_is_as_it_was(written: io.StringIO) -> None:
    """Nothing is put in its place."""
    try:
        fail_because(None, "bad weather")
    except ValueError:
        logging.getLogger("somebody.elses").exception("failed")

    assert logged(written)["chain"][0] == ["ValueError", "bad weather", "ValueError('bad weather')"]


def test_traceback__of_urllib3_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A header that a proxy spoilt is one line, not forty."""
    guard_logs()
    try:
        fail_because(None, "a bad header")
    except ValueError:
        logging.getLogger("urllib3.connection").warning("Failed to parse headers", exc_info=True)

    assert caplog.records[-1].getMessage() == "Failed to parse headers"
    assert "Traceback" not in caplog.text


def test_record__with_arguments_that_do_not_fit(written: io.StringIO) -> None:
    """Logging itself would print template and arguments, and a traceback."""
    logging.getLogger("somebody.elses").warning("%d %s", SECRET)  # noqa: PLE1206

    assert "%d %s" in logged(written)["message"]
    assert SECRET not in written.getvalue()


def test_record__is_one_line_without_control_characters(written: io.StringIO) -> None:
    """A client's name can hold line ends, escapes and direction marks."""
    logging.getLogger("somebody.elses").warning("%s", "A\nB\x1b[2J\u202eC")

    assert logged(written)["message"] == "A B?[2J?C"


def test_record__that_is_fit_keeps_template_and_arguments(written: io.StringIO) -> None:
    """Who groups messages by their template still can."""
    logging.getLogger("somebody.elses").warning("account %s waits", "7")

    assert logged(written)["msg"] == "account %s waits"
    assert logged(written)["args"] == ["7"]


def test_guard__twice_is_once() -> None:
    """Each client asks for it."""
    guard_logs()
    factory = logging.getLogRecordFactory()
    guard_logs()

    assert logging.getLogRecordFactory() is factory
