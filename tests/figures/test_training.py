"""Training curves: every epoch is drawn, and where patience ran out."""

import io

from birdml.figures.training import steps_back, training_curves


def made_up(trials: list[int]) -> list[dict]:
    return [
        {
            "epoch": epoch,
            "train_loss": 3.0 / epoch,
            "valid_loss": 4.0 / epoch,
            "valid_map": 0.1 * epoch,
            "learning_rate": 1e-3 * 0.1**trial,
            "trial": trial,
        }
        for epoch, trial in enumerate(trials, start=1)
    ]


def test_steps_back_are_the_epochs_at_whose_end_patience_ran_out():
    assert steps_back(made_up([0, 0, 1, 1, 1, 2])) == [3, 6]
    assert steps_back(made_up([0, 0, 0])) == []


def test_curves_hold_every_epoch_and_name_the_best():
    figure = training_curves(made_up([0, 0, 1, 1]))
    loss, score, rate = figure.axes
    train, valid = loss.lines[:2]
    assert list(train.get_xdata()) == [1, 2, 3, 4]
    assert list(valid.get_ydata()) == [4.0, 2.0, 4.0 / 3, 1.0]
    assert "0.400 in epoch 4" in score.get_title(loc="left")
    assert rate.get_yscale() == "log"
    dashed = [line for line in score.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [3.5]


def test_one_epoch_can_be_drawn():
    png = io.BytesIO()
    training_curves(made_up([0])).savefig(png)
    assert png.getvalue().startswith(b"\x89PNG")
