"""The command line: python -m ml_service_pack model.joblib --rows sample.csv --version v1.2.0 --out models/"""

import argparse
import pathlib
import sys

from .packing import Refused, pack
from .rows import load_model, read_rows


def main(arguments=None):
    p = argparse.ArgumentParser(prog="ml_service_pack", description=__doc__)
    p.add_argument("model", help="a fitted estimator (.joblib, .pkl), or a file of XGBoost (.ubj, .json), LightGBM (.txt) or CatBoost (.cbm)")
    p.add_argument("--rows", required=True, help="CSV with a header: rows as the model was trained on, which become golden rows")
    p.add_argument("--version", required=True, help="the version's name, as v1.2.0")
    p.add_argument("--out", required=True, help="the folder of versions; the version is written to OUT/VERSION")
    p.add_argument("--title", default="", help="what the model is called in the documentation")
    p.add_argument("--service", help="the ml-service binary; by default $ML_SERVICE, bin/ml-service, or ml-service on the PATH")
    a = p.parse_args(arguments)
    try:
        packed = pack(load_model(a.model), read_rows(a.rows), a.version, pathlib.Path(a.out), title=a.title, service=a.service)
    except Refused as e:
        print(f"ml_service_pack: refused: {e}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as e:
        print(f"ml_service_pack: {e}", file=sys.stderr)
        return 2
    print(f"{packed.folder}: {packed.file}, {packed.rows} golden rows")
    for line in packed.table():
        print(line)
    return 0
