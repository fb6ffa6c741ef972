"""Reading models and rows, and what a row is to the service."""

import math
import pathlib

import numpy as np


def load_model(path):
    """A fitted estimator from a file."""
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: no such file")
    if path.suffix in (".ubj", ".json"):
        import xgboost

        return xgboost.Booster(model_file=str(path))
    if path.suffix == ".txt":
        import lightgbm

        return lightgbm.Booster(model_file=str(path))
    if path.suffix == ".cbm":
        import catboost

        return catboost.CatBoost().load_model(str(path))
    if path.suffix in (".joblib", ".pkl", ".pickle"):
        import joblib

        return joblib.load(path)
    raise ValueError(f"{path}: want .joblib, .pkl, .ubj, .json, .txt or .cbm")


def read_rows(path):
    """A DataFrame of a CSV file. Text is of objects: libraries do not all know the strings of pandas 3."""
    import pandas as pd

    frame = pd.read_csv(path)
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype(object)
    if len(frame) == 0:
        raise ValueError(f"{path}: want at least one row")
    return frame


def plain(value):
    """A value as JSON has it; missing ones are null."""
    if value is None or isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, (np.bool_, bool)):
        return bool(value)
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return None if math.isnan(value) else float(value)
    if value != value:  # pandas.NA compares with nothing
        return None
    return str(value)


def is_text(column):
    """Whether a column of a DataFrame holds text."""
    import pandas as pd

    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def with_missing(rows, values):
    """The rows with a value of one's own for what is missing, by column."""
    import pandas as pd

    rows = rows.copy()
    for name, value in values.items():
        rows[name] = pd.Series([value if gone else v for v, gone in zip(rows[name], rows[name].isna())], index=rows.index, dtype=object)
    return rows
