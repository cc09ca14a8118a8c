"""The measurements run to their end, with numbers too small to say anything; nothing here asks how fast."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import history
from bench.__main__ import main
from bench.compare import Ratio, WrongAnswer, expect
from bench.load import Answer, Round


def test_the_picture_shows_what_the_table_says() -> None:
    points = history.read_points()
    assert {point.what for point in points} == set(history.GOALS)
    assert history.draw(points) == history.PICTURE.read_text(encoding="utf-8")
    assert "](img/benchmarks.svg)" in history.TABLE.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("programs")
def test_what_is_recorded_stands_in_the_table_and_in_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, picture = tmp_path / "benchmarks.csv", tmp_path / "benchmarks.svg"
    shutil.copy(history.TABLE, table)
    monkeypatch.setattr(history, "TABLE", table)
    monkeypatch.setattr(history, "PICTURE", picture)
    before = history.read_points()
    measured = {"scan, SQLite": Ratio(0.5, 0.4, 0.6, 12.3456), "bare answer": Ratio(1, 1, 1, 4)}
    history.record(history.describe_ratios(measured, load="1.0"))
    *same, last = history.read_points()
    assert same == before
    assert (last.what, last.how, last.ratio, last.p99) == ("scan, SQLite", history.HOW, 0.5, 12.346)
    assert picture.read_text(encoding="utf-8") == history.draw([*before, last])
    assert "0.50 on " in picture.read_text(encoding="utf-8")


@pytest.mark.usefixtures("programs")
@pytest.mark.timeout(3600)
def test_every_bench_measures_both_engines_beside_a_bare_answer() -> None:
    # In a process of its own: where a browser was driven before, an event loop runs for the rest of the tests.
    sizes = ["--people", "40", "--many", "1000", "--rounds", "1", "--seconds", "5", "--requests", "2"]
    done = subprocess.run([sys.executable, "-m", "bench", *sizes], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    printed = done.stdout
    assert "calls a page: 2023500: 1, Mull: 1" in printed
    for measured in ("scan", "sign-in", "Min side", "card page"):
        for engine in ("SQLite", "PostgreSQL"):
            assert f"\n{measured}, {engine} " in printed
    for measured in ("fetch", "changed since", "look-up"):
        assert f"\n{measured} " in printed
    assert printed.count("\nfamily page ") == 2
    for kiosks in ("direct", "SQLite", "PostgreSQL"):
        assert f"\n{kiosks} " in printed


@pytest.mark.usefixtures("programs")
def test_counting_for_numbers_is_measured_in_a_small_and_a_large_register() -> None:
    asked = ["numbers", "--large", "400", "--rounds", "1"]
    done = subprocess.run([sys.executable, "-m", "bench", *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for engine in ("SQLite", "PostgreSQL"):
        for act in ("half an hour's scans", "a refused scan", "of it, counting"):
            assert f"\n{engine}, {act} " in done.stdout


def test_fewer_people_than_scans_are_refused_with_what_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scan", "--people", "39", "--rounds", "3", "--requests", "10"])
    assert "need --people 40, or fewer --rounds or --requests" in capsys.readouterr().err


@pytest.mark.parametrize("answers", [[], [Answer(b"HTTP/1.1 200 OK\r\n\r\n"), Answer(b"HTTP/1.1 500 Fault\r\n\r\n")]])
def test_a_bench_stops_at_an_answer_that_is_missing_or_wrong(answers: list[Answer]) -> None:
    with pytest.raises(WrongAnswer):
        expect(Round(1.0, [], answers), lambda answer: answer.status == 200)
