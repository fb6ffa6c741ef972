"""Packs estimators of all libraries and prints, for each, how the library, the exported file and the service compare over HTTP.

    python estimators.py BINARY OUT

Each version that is written is then asked by the names of the frame's columns: its golden rows have them, and `score` reads the CSV of
the frame. Prints one JSON line an estimator: name, file, outcome (same, refused), detail. Data by seed.
"""

import io
import json
import pathlib
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
from ml_service_pack import Refused, pack

warnings.filterwarnings("ignore")


def data(seed=0, n=200, nan=0.0):
    r = np.random.RandomState(seed)
    x = pd.DataFrame({name: r.normal(size=n).astype(np.float32) for name in ("age", "income", "debt", "years")})
    signal = x["age"] + np.sin(2 * x["income"]) + 0.5 * x["debt"] * (x["years"] > 0)
    if nan:
        x = x.mask(r.rand(*x.shape) < nan)
    return x, signal.to_numpy(), r


def texts(seed=1, n=200):
    x, signal, r = data(seed, n)
    x["city"] = r.choice(["Bern", "Oslo", "Rome, old", "Lima"], n)
    x["city"] = x["city"].astype(object)
    x["plan"] = r.choice(["free", "paid"], n)
    x["plan"] = x["plan"].astype(object)
    return x, signal + (x["city"] == "Oslo") * 1.5 - (x["plan"] == "paid"), r


def binary(signal):
    return (signal > np.median(signal)).astype(int)


def three(signal):
    return np.digitize(signal, np.quantile(signal, [0.33, 0.66]))


def words(y):
    return np.array(["no", "yes"])[y]


def estimators():
    """(name, function that gives a fitted estimator and rows)."""
    from sklearn import calibration, decomposition, discriminant_analysis, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler

    def of(make, target, nan=0.0, seed=0):
        def fit():
            x, signal, _ = data(seed, nan=nan)
            return make().fit(x, target(signal)), x
        return fit

    def mixed(last, target, encoder=None):
        def fit():
            x, signal, _ = texts()
            prepare = ColumnTransformer([("numbers", StandardScaler(), ["age", "income", "debt", "years"]), ("texts", encoder or OneHotEncoder(handle_unknown="ignore"), ["city", "plan"])])
            return make_pipeline(prepare, last).fit(x, target(signal)), x
        return fit

    def reg(signal):
        return signal

    yield "LogisticRegression, binary", of(linear_model.LogisticRegression, binary)
    yield "LogisticRegression, text labels", of(linear_model.LogisticRegression, lambda s: words(binary(s)))
    yield "LogisticRegression, three classes", of(linear_model.LogisticRegression, three)
    yield "LinearRegression", of(linear_model.LinearRegression, reg)
    yield "Ridge, scaled", of(lambda: make_pipeline(StandardScaler(), linear_model.Ridge()), reg)
    yield "Lasso", of(lambda: linear_model.Lasso(alpha=0.05), reg)
    yield "SGDClassifier, log loss", of(lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0), binary)
    yield "PoissonRegressor", of(linear_model.PoissonRegressor, lambda s: np.exp(s / 3))
    yield "LinearDiscriminantAnalysis", of(discriminant_analysis.LinearDiscriminantAnalysis, three)
    yield "GaussianNB", of(naive_bayes.GaussianNB, three)
    yield "DecisionTreeClassifier", of(lambda: tree.DecisionTreeClassifier(max_depth=5, random_state=0), three)
    yield "DecisionTreeRegressor", of(lambda: tree.DecisionTreeRegressor(max_depth=5, random_state=0), reg)
    yield "RandomForestClassifier", of(lambda: ensemble.RandomForestClassifier(30, max_depth=6, random_state=0), binary)
    yield "RandomForestRegressor", of(lambda: ensemble.RandomForestRegressor(30, max_depth=6, random_state=0), reg)
    yield "ExtraTreesClassifier", of(lambda: ensemble.ExtraTreesClassifier(30, max_depth=6, random_state=0), three)
    yield "GradientBoostingClassifier", of(lambda: ensemble.GradientBoostingClassifier(n_estimators=30, random_state=0), binary)
    yield "GradientBoostingRegressor", of(lambda: ensemble.GradientBoostingRegressor(n_estimators=30, random_state=0), reg)
    yield "HistGradientBoostingClassifier, NaN", of(lambda: ensemble.HistGradientBoostingClassifier(max_iter=20), binary, nan=0.1)
    yield "HistGradientBoostingRegressor", of(lambda: ensemble.HistGradientBoostingRegressor(max_iter=20), reg)
    yield "AdaBoostClassifier", of(lambda: ensemble.AdaBoostClassifier(n_estimators=15, random_state=0), binary)
    yield "BaggingRegressor", of(lambda: ensemble.BaggingRegressor(n_estimators=5, random_state=0), reg)
    yield "MLPClassifier, scaled", of(lambda: make_pipeline(StandardScaler(), neural_network.MLPClassifier((16,), max_iter=300, random_state=0)), three)
    yield "MLPRegressor, scaled", of(lambda: make_pipeline(MinMaxScaler(), neural_network.MLPRegressor(hidden_layer_sizes=(16,), max_iter=300, random_state=0)), reg)
    yield "SVC, RBF, probabilities", of(lambda: make_pipeline(StandardScaler(), svm.SVC(probability=True, random_state=0)), binary)
    yield "SVR", of(lambda: make_pipeline(StandardScaler(), svm.SVR()), reg)
    yield "KNeighborsRegressor", of(neighbors.KNeighborsRegressor, reg)
    yield "LinearSVR", of(lambda: make_pipeline(StandardScaler(), svm.LinearSVR(random_state=0)), reg)
    yield "ElasticNet", of(lambda: linear_model.ElasticNet(alpha=0.05), reg)
    yield "VotingClassifier, soft", of(lambda: ensemble.VotingClassifier([("l", linear_model.LogisticRegression()), ("t", tree.DecisionTreeClassifier(max_depth=4, random_state=0))], voting="soft"), binary)
    yield "StackingRegressor", of(lambda: ensemble.StackingRegressor([("r", linear_model.Ridge()), ("t", tree.DecisionTreeRegressor(max_depth=4, random_state=0))]), reg)
    yield "CalibratedClassifierCV", of(lambda: calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=3), binary)
    yield "PCA and polynomials", of(lambda: make_pipeline(PolynomialFeatures(2), decomposition.PCA(5), linear_model.LinearRegression()), reg)
    yield "imputed forest", of(lambda: make_pipeline(SimpleImputer(), ensemble.RandomForestClassifier(20, max_depth=5, random_state=0)), binary, nan=0.1)
    yield "one-hot text, logistic regression", mixed(linear_model.LogisticRegression(max_iter=300), binary)
    yield "ordinal text, forest", mixed(ensemble.RandomForestRegressor(20, max_depth=6, random_state=0), reg, OrdinalEncoder())

    import catboost
    import lightgbm
    import xgboost

    yield "XGBClassifier, frame, NaN", of(lambda: xgboost.XGBClassifier(n_estimators=20, max_depth=4), binary, nan=0.1)
    yield "XGBRegressor, dart", of(lambda: xgboost.XGBRegressor(n_estimators=20, booster="dart", rate_drop=0.2, random_state=0), reg)
    yield "XGBClassifier, three classes", of(lambda: xgboost.XGBClassifier(n_estimators=10, max_depth=3), three)
    yield "LGBMClassifier, text labels", of(lambda: lightgbm.LGBMClassifier(n_estimators=20, verbose=-1), lambda s: words(binary(s)), nan=0.1)
    yield "LGBMRegressor", of(lambda: lightgbm.LGBMRegressor(n_estimators=20, verbose=-1), reg)

    def categories(make, target):
        def fit():
            x, signal, _ = texts()
            x = x.assign(city=x["city"].astype(object).astype("category"), plan=x["plan"].astype(object).astype("category"))
            fitted = make().fit(x, target(signal))
            return fitted, x.assign(city=x["city"].astype(object), plan=x["plan"].astype(object))
        return fit

    yield "XGBRegressor, categories", categories(lambda: xgboost.XGBRegressor(n_estimators=20, enable_categorical=True), reg)
    yield "LGBMClassifier, categories", categories(lambda: lightgbm.LGBMClassifier(n_estimators=20, verbose=-1, min_data_per_group=5), binary)

    def cat(make, target):
        def fit():
            x, signal, _ = texts()
            return make().fit(x, target(signal), cat_features=["city", "plan"]), x
        return fit

    options = {"iterations": 20, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    yield "CatBoostClassifier, categories", cat(lambda: catboost.CatBoostClassifier(**options), lambda s: words(binary(s)))
    yield "CatBoostRegressor", of(lambda: catboost.CatBoostRegressor(**options), reg, nan=0.1)

    def frame(make, target, change=lambda x: x):
        def fit():
            x, signal, _ = data()
            x = change(x)
            return make(x, target(signal)), x
        return fit

    def both(signal):
        return np.column_stack([binary(signal), binary(-signal)])

    def spaces(x):
        return x.rename(columns={"income": "net income", "debt": "all (debt)"})

    yield "XGBClassifier behind a scaler of doubles", frame(lambda x, y: make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=20)).fit(x, y), three, lambda x: x.astype(float))
    yield "XGBClassifier, several labels", frame(lambda x, y: xgboost.XGBClassifier(n_estimators=10).fit(x, y), both)
    yield "XGBoost's Booster, binary", frame(lambda x, y: xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(x, label=y), 10), binary)
    yield "LGBMClassifier, names with spaces, truth values", frame(lambda x, y: lightgbm.LGBMClassifier(n_estimators=10, verbose=-1).fit(x, y == 1), binary, spaces)
    yield "LightGBM's Booster, three classes", frame(lambda x, y: lightgbm.train({"objective": "multiclass", "num_class": 3, "verbose": -1}, lightgbm.Dataset(x, y), 10), three, spaces)
    yield "CatBoost without a wrapper, Logloss", frame(lambda x, y: catboost.CatBoost({**options, "loss_function": "Logloss"}).fit(x, y), binary)
    yield "CatBoostClassifier, labels that are fractions", frame(lambda x, y: catboost.CatBoostClassifier(**options).fit(x, np.array([0.5, 2.0])[y]), binary)


    yield from named()
    yield from missing()


# Names that no identifier holds: some become one where "_" is written for the rest, one is the name of an output, and three are no ASCII.
ODD = {"age": "label", "income": "a b", "debt": "a_b", "years": "7 – größer?", "city": 'city "of" birth, (now)', "plan": "a.b"}


def named():
    """Estimators whose columns have odd names, texts among them."""
    from sklearn.compose import ColumnTransformer, make_column_transformer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    import catboost
    import lightgbm
    import xgboost

    spaced = {"age": "age in years", "city": "city name", "income": "net  income"}

    def frame(make, target, names, text=True, kept=object):
        def fit():
            x, signal, _ = texts() if text else data()
            x = x.rename(columns=names)
            typed = x.astype({c: kept for c in x.columns if x[c].dtype == object})
            return make(typed, target(signal)), x
        return fit

    def pipeline(encoder, last):
        numbers, words = ([ODD[c] for c in columns] for columns in (("age", "income", "debt", "years"), ("city", "plan")))
        return make_pipeline(ColumnTransformer([("n", StandardScaler(), numbers), ("t", encoder, words)]), last)

    yield "one-hot text, odd names", frame(lambda x, y: pipeline(OneHotEncoder(), LogisticRegression(max_iter=300)).fit(x, y), binary, ODD)
    yield "ordinal text, neighbours, odd names", frame(lambda x, y: pipeline(OrdinalEncoder(), KNeighborsRegressor(3)).fit(x, y), lambda s: s, ODD)
    yield "numbers picked by odd names", frame(lambda x, y: make_pipeline(make_column_transformer((StandardScaler(), ["a b"]), remainder="passthrough"), Ridge()).fit(x, y), lambda s: s, ODD, text=False)
    yield "LGBMClassifier, categories, spaces", frame(lambda x, y: lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, min_data_per_group=5).fit(x, words(y)), binary, spaced, kept="category")
    yield "LightGBM's Booster, categories, spaces", frame(lambda x, y: lightgbm.train({"objective": "regression", "verbose": -1, "min_data_per_group": 5}, lightgbm.Dataset(x, y), 10), lambda s: s, spaced, kept="category")
    yield "XGBRegressor, categories, spaces", frame(lambda x, y: xgboost.XGBRegressor(n_estimators=10, enable_categorical=True).fit(x, y), lambda s: s, spaced, kept="category")
    yield "CatBoostRegressor, categories, odd names", frame(
        lambda x, y: catboost.CatBoostRegressor(iterations=10, verbose=0, allow_writing_files=False, thread_count=1).fit(x, y, cat_features=[ODD["city"], ODD["plan"]]), lambda s: s, ODD)


def missing():
    """Pipelines in which a missing text is a category: NaN, None or the text None, with rows as they were trained on or read out of CSV."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    def fit(encoder, city, plan, table):
        def fitted():
            x, signal, r = texts()
            for column, value in (("city", city), ("plan", plan)):
                gone = r.rand(len(x)) < 0.2
                x[column] = pd.Series([value if g else v for g, v in zip(gone, x[column])], dtype=object)
                signal = signal + 2 * gone
            prepare = ColumnTransformer([("texts", encoder, ["city", "plan"])], remainder="passthrough")
            fitted = make_pipeline(prepare, LogisticRegression(max_iter=300)).fit(x, binary(signal))
            return fitted, pd.read_csv(io.StringIO(x.to_csv(index=False))).astype({"city": object, "plan": object}) if table else x
        return fitted

    for table in (False, True):
        rows = "of a table" if table else "as trained"
        yield f"one-hot text, NaN a category, rows {rows}", fit(OneHotEncoder(handle_unknown="ignore"), np.nan, np.nan, table)
        yield f"one-hot text, None a category, rows {rows}", fit(OneHotEncoder(handle_unknown="ignore"), None, "None", table)
        yield f"ordinal text, NaN and None, rows {rows}", fit(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), np.nan, None, table)


# What cannot be right, and is refused: the exporter's fault, or the file's.
def refusals():
    from sklearn import ensemble
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    import xgboost

    def of(make, target):
        def fit():
            x, signal, _ = data()
            return make().fit(x, target(signal)), x
        return fit

    yield "HistGradientBoostingRegressor, Poisson", of(lambda: ensemble.HistGradientBoostingRegressor(max_iter=20, loss="poisson"), lambda s: np.exp(s / 3))
    yield "XGBRegressor, missing=-999", of(lambda: xgboost.XGBRegressor(n_estimators=5, missing=-999.0), lambda s: s)

    def isotonic():
        x, signal, _ = data()
        return IsotonicRegression(out_of_bounds="clip").fit(x["age"], signal), x[["age"]]

    yield "IsotonicRegression", isotonic

    def nameless():
        x, signal, _ = texts()
        x = x[["city", "plan"]].set_axis(["", "plan"], axis=1)
        return make_pipeline(OneHotEncoder(), LogisticRegression()).fit(x, binary(signal)), x

    yield "a column without a name", nameless


def asked(program, folder, rows):
    """What is wrong where the version is asked by the names of the frame's columns; empty: nothing."""
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    for row in golden["rows"]:
        if isinstance(row["x"], dict) and list(row["x"]) != list(rows.columns):
            return f"the golden rows have {list(row['x'])}, want {list(rows.columns)}"
    ranges = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))["training_ranges"]
    if not set(ranges) <= set(rows.columns):
        return f"training_ranges has {list(ranges)}, want {list(rows.columns)}"
    score = subprocess.run([program, "score", "--model", str(folder), "--format", "csv"], input=rows.to_csv(index=False).encode(), capture_output=True, check=False)
    if score.returncode != 0:
        return "score: " + score.stderr.decode()
    want = [a["prediction"] for a in golden["answers"]]
    if not isinstance(want[0], (int, float)):
        return "" if len(score.stdout.splitlines()) == len(rows) + 1 else "score: " + score.stdout.decode()
    got = pd.read_csv(io.BytesIO(score.stdout))["prediction"]
    return "" if len(got) == len(rows) and np.allclose(got[: len(want)], want, 1e-4, 1e-5) else f"score: {got.tolist()}, want {want}"


def main():
    program, out = sys.argv[1], pathlib.Path(sys.argv[2])
    for want, all_of in (("same", estimators()), ("refused", refusals())):
        for number, (name, fit) in enumerate(all_of):
            began = time.monotonic()
            line = {"name": name, "want": want}
            try:
                model, rows = fit()
                packed = pack(model, rows.head(60), f"{want}{number}", out, service=program)
                line.update(outcome="same", file=packed.file, rows=packed.rows, compared=packed.compared)
                wrong = asked(program, packed.folder, rows.head(60)) if packed.rows else ""
                if wrong:
                    line.update(outcome="not asked by name", detail=wrong)
            except Refused as e:
                line.update(outcome="refused", detail=str(e))
            except Exception as e:  # noqa: BLE001 - the test wants to see it
                line.update(outcome="failed", detail=f"{type(e).__name__}: {e}")
            line["seconds"] = round(time.monotonic() - began, 2)
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
