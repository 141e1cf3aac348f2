"""The chapter *The record*: its tables repeat the ledger and the paper, its checkers know right from wrong."""

from __future__ import annotations

import shlex
from math import comb, nan, sqrt
from typing import Any

import pytest

import fertutor
from fertutor.cli import build_parser
from fertutor.commands.recipe_options import chosen_recipe
from fertutor.commands.set_options import set_options
from fertutor.commands.train import first_network
from fertutor.errors import InputError
from fertutor.evaluation import ledger, paper, record
from fertutor.evaluation.comparison import Comparison
from fertutor.evaluation.report import wilson_interval
from fertutor.exercises import the_record
from fertutor.figures.record import (
    draw_confusion,
    draw_curves,
    draw_intervals,
    draw_spread,
    plot_curves,
)
from fertutor.network.weights import build_network, kind_of
from fertutor.training.defaults import DEFAULTS


def test_every_training_of_the_ledger_can_stand_in_a_table() -> None:
    entries = ledger.read()
    trainings = [name for name, entry in entries.items() if entry["kind"] == "training"]
    assert trainings
    lines = record.table(entries, {name: name for name in trainings}).splitlines()[2:]
    for name, line in zip(trainings, lines, strict=True):
        best = max(epoch["val_accuracy"] for epoch in entries[name]["history"])
        assert line.startswith(f"| {name} | {best:.1%} | ")
        assert f"| {entries[name]['splits']['val']['n']:,} |" in line


def test_the_interval_is_that_of_the_evaluation_itself() -> None:
    for entry in ledger.read().values():
        if entry["kind"] in ("evaluation", "baseline"):
            assert record.measured(entry).interval == pytest.approx(tuple(entry["interval"]))


def test_an_entry_that_does_not_exist_or_holds_no_accuracy_is_named() -> None:
    with pytest.raises(InputError, match="no entry 'nothing'"):
        record.table({}, {"a row": "nothing"})
    with pytest.raises(InputError, match="'survey' holds no accuracy"):
        record.measured({"kind": "survey"})


def test_a_comparison_stands_in_a_table_of_its_own() -> None:
    entry = {"kind": "comparison", "first": 30, "second": 18, "difference": 0.12}
    entry |= {"interval": [-0.01, 0.25], "p_value": 0.1114}
    table = record.comparison_table({"pair": entry}, {"one less other": "pair"})
    assert table.endswith("| one less other | 30 | 18 | +12.0 | -1.0 to +25.0 | 0.11 |")
    with pytest.raises(InputError, match="pair is no comparison"):
        record.comparison_table({"pair": {"kind": "training"}}, {"one less other": "pair"})


def test_the_papers_counts_add_up_as_it_says() -> None:
    assert sum(paper.FIGURE_8.values()) == 3572
    assert sum(paper.PRIVATE_TEST["original labels"].values()) == 3589
    assert paper.TABLES["fer2013"][paper.OURS] == 0.7002
    table = record.paper_table("fer2013", {})
    assert "| The proposed algorithm | 70.02% |" in table
    assert table.endswith("| *the same network, here* | not measured |")
    assert record.counts_table({"Figure 8": paper.FIGURE_8}).endswith("| 1,290 | 3,572 |")


MADE: dict[str, Any] = {
    "kind": "evaluation",
    "reproduces": "Table 3",
    "dataset": "jaffe",
    "labels": "original",
    "split": "test",
    "recipe": "paper",
    "changed": {},
    "epochs": 300,
    "n": 23,
    "accuracy": 0.925,
    "interval": [0.75, 0.98],
    "network": {"kind": "attentional", "arguments": fertutor.AttentionalCNN().config},
    "date": "2026-01-02",
}


def test_a_papers_table_takes_in_the_last_reproduction_on_its_labels() -> None:
    later = {**MADE, "date": "2026-01-03", "accuracy": 0.1}
    entries = {
        "last": MADE,
        "first": {**MADE, "date": "2026-01-01", "accuracy": 0.5},
        "later, on other labels": {**later, "labels": "ferplus"},
        "later, whole people dealt": {**later, "options": {"by_subject": True}},
        "later, on validation faces": {**later, "split": "val"},
        "of another set": {**later, "dataset": "ferg"},
    }
    table = record.paper_table("jaffe", entries)
    assert table.count("here") == 1
    assert table.endswith("| *here: recipe paper, 300 epochs* | 92.5% (75.0 to 98.0, n = 23) |")


def test_a_papers_table_says_what_differs_from_the_paper() -> None:
    quick = {**MADE, "recipe": "paper-fixed", "epochs": 2, "changed": {"epochs": 2, "learning_rate": 0.001}}
    image = {"kind": "attentional", "arguments": fertutor.AttentionalCNN(sampler="input").config}
    table = record.paper_table("jaffe", {"quick": quick, "image": {**MADE, "network": image}})
    assert "| *here: recipe paper-fixed, 2 epochs, learning rate 0.001* |" in table
    assert "| *here: recipe paper, 300 epochs, sampler input* |" in table


def test_a_papers_table_takes_in_all_sequences_of_ckplus_and_the_opened_test_part_of_fer2013() -> None:
    every = {**MADE, "dataset": "ckplus", "options": {"sequences": "all", "contempt": "keep"}}
    assert "300 epochs, sequences all, contempt keep* |" in record.paper_table("ckplus", {"all": every})
    opened = {**MADE, "dataset": "fer2013", "weights": "paper", "tta": True}
    del opened["reproduces"], opened["recipe"], opened["epochs"]
    assert "| *here: weights paper, mirrored* |" in record.paper_table("fer2013", {"opened": opened})


def test_tables_of_maps_give_each_network_its_columns() -> None:
    def number(mean: float) -> dict[str, object]:
        return {"mean": mean, "interval": [mean - 0.1, mean + 0.1]}

    scores = {"random": {"deletion": number(0.3), "insertion": number(0.4)}}
    expressions = {"happy": {"lower_half": number(0.8)}, "sad": {"lower_half": number(0.5)}}
    entries = {"a": {"scores": scores, "expressions": expressions}}
    lines = record.saliency_table(entries, {"one": "a", "two": "a"}, "lower_half").splitlines()
    assert lines[0] == "|  | one | two |"
    assert lines[2:] == [
        "| happy | 0.80 [0.70, 0.90] | 0.80 [0.70, 0.90] |",
        "| sad | 0.50 [0.40, 0.60] | 0.50 [0.40, 0.60] |",
    ]
    lines = record.grades_table(entries, {"one": "a"}).splitlines()
    assert lines[0] == "| map | one, deletion | one, insertion |"
    assert lines[2:] == ["| random | 0.30 [0.20, 0.40] | 0.40 [0.30, 0.50] |"]
    with pytest.raises(InputError, match="no entry 'b'"):
        record.grades_table(entries, {"one": "b"})


def test_spread_is_of_the_number_of_theta_that_differs_most() -> None:
    assert record.spread({"theta": {"mean": [9.0], "deviation": [0.1, 0.3, 0.2]}}) == 0.3
    with pytest.raises(InputError, match="'units' holds no θ"):
        record.spread({"kind": "units", "theta": None})


def test_mean_and_deviation_are_those_of_the_seeds() -> None:
    kinds = {
        name: {"kind": "evaluation", "accuracy": accuracy, "n": 100, "network": {}}
        for name, accuracy in (("a", 0.5), ("b", 0.6), ("c", 0.7))
    }
    assert record.mean_and_deviation(kinds, ["a", "b", "c"]) == "60.0 ± 10.0 % (3 seeds)"


def test_oscillation_is_nothing_on_a_straight_line() -> None:
    assert record.oscillation([0.1 * step for step in range(30)]) == pytest.approx(0)
    assert record.oscillation([0.5, 0.6] * 20) == pytest.approx(0.1, rel=0.01)


def test_a_command_asks_for_the_very_training_of_its_entry() -> None:
    for name, entry in ledger.read().items():
        if entry["kind"] != "training":
            continue
        _, *words = shlex.split(record.command(entry))
        args = build_parser("train").parse_args(words)
        wanted, recipe = dict(entry["recipe"]), chosen_recipe(args).as_dict()
        assert {**recipe, "why": wanted["why"]} == wanted, name
        assert args.start == entry.get("start")
        if not args.start:
            network = first_network(args, entry["network"]["arguments"]["classes"])
            assert ledger.describe_network(network) == entry["network"], name
        assert (args.dataset, args.labels, args.seed) == (entry["dataset"], entry["labels"], entry["seed"])
        assert args.precision == entry["setting"]["precision"]
        teachers = entry.get("teachers", {"weights": [], "share": 0.7})
        assert (args.teacher, args.teacher_share) == (teachers["weights"], teachers["share"])
        assert set_options(args) == {k: v for k, v in entry["options"].items() if k != "hold_out"}
    with pytest.raises(InputError, match="'survey' is not repeated"):
        record.command({"kind": "survey"})


def test_what_a_command_leaves_out_is_what_train_chooses() -> None:
    args = build_parser("train").parse_args(["train", "drawn-studio"])
    network = first_network(args, 7)
    chosen = {**vars(args), **network.config, "network": kind_of(network)}
    assert {name: chosen[name] for name in DEFAULTS} == dict(DEFAULTS)


@pytest.mark.parametrize("kind", ["attentional", "compact", "best", "deep"])
def test_a_command_names_dropout_where_it_is_not_the_networks_own(kind: str) -> None:
    entry = dict(next(entry for entry in ledger.read().values() if entry["kind"] == "training"))
    entry.pop("start", None)
    entry["network"] = ledger.describe_network(build_network(kind))
    assert "--dropout" not in record.command(entry)
    if kind != "deep":  # which has none
        entry["network"] = ledger.describe_network(build_network(kind, dropout=0.0))
        _, *words = shlex.split(record.command(entry))
        network = first_network(build_parser("train").parse_args(words), 7)
        assert ledger.describe_network(network) == entry["network"]


def test_a_command_names_widths_where_they_are_not_the_networks_own() -> None:
    entry = dict(next(entry for entry in ledger.read().values() if entry["kind"] == "training"))
    entry.pop("start", None)
    for kind in ("attentional", "compact", "best", "deep"):
        entry["network"] = ledger.describe_network(build_network(kind))
        assert "--widths" not in record.command(entry)
    entry["network"] = ledger.describe_network(build_network("best", widths=[4, 5, 6, 7, 8, 9, 10, 11]))
    _, *words = shlex.split(record.command(entry))
    assert words[words.index("--widths") + 1] == "4,5,6,7,8,9,10,11"
    network = first_network(build_parser("train").parse_args(words), 7)
    assert ledger.describe_network(network) == entry["network"]


def test_a_command_names_the_teachers() -> None:
    entry = dict(next(entry for entry in ledger.read().values() if entry["kind"] == "training"))
    entry["teachers"] = {"weights": ["best", "a file.safetensors"], "sha256": ["1", "2"], "share": 0.4}
    _, *words = shlex.split(record.command(entry))
    args = build_parser("train").parse_args(words)
    assert (args.teacher, args.teacher_share) == (["best", "a file.safetensors"], 0.4)


def test_the_time_to_an_accuracy_counts_the_epoch_that_reaches_it() -> None:
    epochs = [{"seconds": 60, "val_accuracy": accuracy} for accuracy in (0.3, 0.5, 0.4, 0.6)]
    assert record.minutes_to({"history": epochs}, 0.5) == 2
    assert record.minutes_to({"history": epochs}, 0.51) == 4
    assert record.minutes_to({"history": epochs}, 0.7) is None


def test_figures_say_what_they_show() -> None:
    found = record.Measured(0.5, wilson_interval(50, 100), 100, 7)
    assert "ours 50.0%" in draw_intervals({"ours": found}, {"paper": 0.7}).get_label()
    assert "50% at best" in draw_curves({"ours": [0.2, 0.5, 0.4]}).get_label()
    drawn = draw_spread({"ours": [(0.25, 0.5)]}, 0.4, "without")
    assert "ours: 50.0% at 0.25. without: 40.0%" in drawn.get_label()
    matrix = [[8 if row == column else 1 for column in range(7)] for row in range(7)]
    matrix[0][1] = 7  # a row is what the faces show: 8 of its 20, while the column has 8 of 14
    figure = draw_confusion(matrix)
    assert "angry 40%" in figure.get_label()
    assert "neutral has no faces" in draw_confusion([*matrix[:6], [0] * 7]).get_label()  # as in CK+
    assert (figure.axes[0].get_ylabel(), figure.axes[0].get_xlabel()) == ("true", "predicted")


def wald(hits: int, n: int) -> tuple[float, float]:
    p = hits / n
    return p - 1.96 * sqrt(p * (1 - p) / n), p + 1.96 * sqrt(p * (1 - p) / n)


def mcnemar(first: int, second: int) -> float:
    return Comparison(0, first, second, 0).p_value


def test_checkers_know_right_from_wrong() -> None:
    assert the_record.check_interval(wilson_interval)
    in_percent = the_record.check_interval(lambda hits, n: tuple(100 * x for x in wilson_interval(hits, n)))
    assert "these are percentages" in in_percent.reason
    assert "no interval where all" in the_record.check_interval(wald).reason
    assert "TypeError" in the_record.check_interval(lambda hits: (0, 1)).reason  # type: ignore[arg-type,misc]
    assert the_record.check_faces_needed(33_600)
    assert "a quarter" in the_record.check_faces_needed(2_100).reason
    assert not the_record.check_faces_needed(3_589)
    assert the_record.check_paired(mcnemar)
    assert "both sides" in the_record.check_paired(lambda a, b: mcnemar(a, b) / 2).reason
    assert "never above 1" in the_record.check_paired(two_tails_uncapped).reason
    assert "percentage" in the_record.check_paired(lambda a, b: 100 * mcnemar(a, b)).reason
    undivided = the_record.check_paired(lambda a, b: mcnemar(a, b) * 2 ** (a + b) if a != b else 1.0)
    assert "all the ways" in undivided.reason
    assert "smaller of the two" in the_record.check_paired(two_tails_to_the_first).reason
    assert "of 3 and 9" in the_record.check_paired(lambda a, b: 1.0).reason
    assert not the_record.check_paired(lambda a, b: nan)
    assert not the_record.check_interval(lambda hits, n: (nan, nan))
    assert "ZeroDivisionError" in the_record.check_paired(lambda a, b: 1 / 0).reason


def two_tails_to_the_first(first: int, second: int) -> float:
    n = first + second
    return min(1.0 if first == second else 2.0, 2 * sum(comb(n, wins) for wins in range(first + 1)) / 2**n)


def two_tails_uncapped(first: int, second: int) -> float:
    n = first + second
    return 2 * sum(comb(n, wins) for wins in range(min(first, second) + 1)) / 2**n


def test_each_curve_and_group_is_drawn_and_looks_like_no_other() -> None:
    curves = {f"run {index}": [0.1, 0.2] for index in range(10)}
    lines = draw_curves(curves).axes[0].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(curves)
    traces = plot_curves(curves).data
    assert len({(trace.line.color, trace.line.dash) for trace in traces}) == len(curves)
    groups = {f"group {index}": [(0.1, 0.2)] for index in range(7)}
    points = draw_spread(groups, 0.4, "without").axes[0].lines[:-1]  # the last is the level
    looks = {(p.get_color(), p.get_markerfacecolor() == "none") for p in points}
    assert len(looks) == len({p.get_marker() for p in points}) == len(groups)


def test_what_cannot_be_told_apart_is_refused_instead_of_left_out() -> None:
    curves = {f"run {index}": [0.1, 0.2] for index in range(11)}
    groups = {f"group {index}": [(0.1, 0.2)] for index in range(8)}
    for draw in (draw_curves, plot_curves):
        with pytest.raises(ValueError, match=r"11 are too many .* at most 10"):
            draw(curves)
    with pytest.raises(ValueError, match=r"8 are too many .* at most 7"):
        draw_spread(groups, 0.4, "without")


def test_only_the_last_epochs_count_as_a_jumping_line() -> None:
    rising = [0.1, 0.5, 0.2, 0.6] + [0.6] * 21
    assert record.oscillation(rising) == 0
    assert record.oscillation(rising, last=24) > 0.1
