"""From a fitted model to a folder that the service takes: python models/pack.py model.joblib --rows sample.csv --version v1.2.0 --out models/

The package is pack/ml_service_pack; docs/models.md says what it does."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pack"))

from ml_service_pack.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
