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

from birdml.ensemble.answer import answer, top_species
from birdml.ensemble.combination import load_combination
from birdml.ensemble.request import read_rows
from birdml.errors import UserError

OUTPUTS = ("species", "logits")


class ServedModel(PythonModel):
    """Answers a table of recordings; its columns are those of `birdml.ensemble.request`."""

    def load_context(self, context: Any) -> None:
        from pathlib import Path

        self.combination = load_combination(Path(context.artifacts["ensemble"]).parent)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One row per recording: `made_from`, `reweighted`, and `species` or `logits`.

        `species` lists the `top` best as class_id, latin_name and score (softmax); with
        `output="logits"` the column `logits` holds all C values in label order. What it cannot use
        is an MlflowException with a line per faulty row, which a server answers with status 400.
        """
        try:
            return self._answer(model_input, **(params or {}))
        except UserError as error:
            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None

    def _answer(self, table: pd.DataFrame, top: Any = 5, output: Any = "species") -> pd.DataFrame:
        if not isinstance(table, pd.DataFrame):
            raise UserError(
                "no table: send dataframe_records, dataframe_split or CSV with a heading"
            )
        if output not in OUTPUTS:
            raise UserError(f"output is '{str(output)[:60]}'; it can be {' or '.join(OUTPUTS)}")
        if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 1:
            raise UserError(f"top is {ascii(top)[:60]}; it must be a whole number of at least 1")
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
                output: a.logits.astype(np.float64).tolist()
                if output == "logits"
                else top_species(self.combination, a.logits, int(top)),
            }
            for a in answers
        ]
        return pd.DataFrame(rows, index=table.index)


mlflow.models.set_model(ServedModel())
