"""The model that MLflow loads and serves, for a single model and an ensemble alike.

MLflow stores this file as it is ("models from code") beside the weights in safetensors and a copy
of birdml, so that the registered model holds no pickle and loads where birdml is not installed.
"""

from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel

from birdml.calibration.reading import RULES, Reading, Rule, reading
from birdml.ensemble.answer import answer, top_species
from birdml.ensemble.combination import load_combination
from birdml.ensemble.request import read_rows
from birdml.errors import UserError

OUTPUTS = ("species", "logits")


class ServedModel(PythonModel):
    """Answers a table of recordings; its columns are those of `birdml.ensemble.request`."""

    def load_context(self, context: Any) -> None:
        from pathlib import Path

        try:
            self.combination = load_combination(Path(context.artifacts["ensemble"]).parent)
        except UserError as error:  # such as an encoder that is not installed
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One row per recording: `made_from`, `reweighted`, `scores`, and `species` or `logits`.

        `species` lists at most `top` as class_id, latin_name and score; with `output="logits"` the
        column `logits` holds all C values in label order. The params `scores`, `min_score`,
        `precision` and `recall` are those of `birdml.calibration.reading`; the column `scores` says
        which ones they are: `softmax` where the model is uncalibrated. What it cannot use is an
        MlflowException with a line per faulty row, which a server answers with status 400.
        """
        try:
            return self._answer(model_input, **(params or {}))
        except UserError as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None

    def _answer(
        self, table: pd.DataFrame, top: Any = 5, output: Any = "species", **asked: Any
    ) -> pd.DataFrame:
        if not isinstance(table, pd.DataFrame):
            raise UserError(
                "no table: send dataframe_records, dataframe_split or CSV with a heading"
            )
        if output not in OUTPUTS:
            raise UserError(f"output is '{str(output)[:60]}'; it can be {' or '.join(OUTPUTS)}")
        if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 1:
            raise UserError(f"top is {ascii(top)[:60]}; it must be a whole number of at least 1")
        read = self._reading(**asked)
        answers, problems = [], []
        for number, row in enumerate(read_rows(table)):
            try:
                answers.append(answer(self.combination, row))
            except UserError as error:
                problems.append(f"row {number}: {error}")
        if problems:
            raise UserError("\n".join(problems))
        rows = [
            {
                "made_from": a.made_from,
                "reweighted": a.reweighted,
                "scores": read.settings["scores"],
                output: a.logits.astype(np.float64).tolist()
                if output == "logits"
                else top_species(self.combination, a.logits, read, int(top)),
            }
            for a in answers
        ]
        return pd.DataFrame(rows, index=table.index)

    def _reading(self, scores: Any = "presence", **rules: Any) -> Reading:
        """How logits are read by what is asked for; UserError for what can't be."""
        unknown = sorted(rules.keys() - set(RULES))
        if unknown:
            raise UserError(f"there is no param {', '.join(unknown)[:60]}")
        for name, value in rules.items():
            number = isinstance(value, float | int | np.floating | np.integer)
            if value is not None and (isinstance(value, bool) or not number):
                raise UserError(f"{name} is {ascii(value)[:60]}; it must be a number in 0..1")
        rule = Rule(str(scores)[:60], **{name: rules.get(name) for name in RULES})
        c = self.combination
        return reading(c.name, c.calibration, len(c.species), rule)


mlflow.models.set_model(ServedModel())
