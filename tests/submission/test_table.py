import csv

from birdml.figures.scores import submission_scores
from birdml.submission.table import write_table

ROWS = [
    {"class_id": "a", "recordings": 12, "mrr": 0.5},
    {"class_id": "long", "recordings": 3, "mrr": 1.0},
]


def test_a_table_is_written_with_a_heading(tmp_path):
    write_table(tmp_path / "new" / "t.csv", ROWS)
    with open(tmp_path / "new" / "t.csv") as file:
        assert [row["mrr"] for row in csv.DictReader(file)] == ["0.5", "1.0"]


def test_species_are_drawn_best_first_and_many_as_a_curve(tmp_path):
    figure = submission_scores(["x", "y"], [0.2, 0.9], [4, 5], "MRR", "recordings")
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == ["y (5)", "x (4)"]
    many = submission_scores(["x"] * 300, [0.5] * 300, [1] * 300, "MRR", "recordings")
    assert "300 species" in many.axes[0].get_xlabel()
    many.savefig(tmp_path / "many.png")
