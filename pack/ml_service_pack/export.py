"""Recipes: which file an estimator becomes, and how. Each knows the pitfalls that were met with its exporter."""

import contextlib
import json

import numpy as np

from .graph import null_words, rename_inputs, text_categories
from .rows import is_text, with_missing


class Refused(Exception):
    """What cannot be packed, and why."""


class Exported:
    """A written model file, and how to ask the library that wrote it and the file itself."""

    def __init__(self, file, data, metadata, library, reload):
        self.file, self.data, self.metadata = file, data, metadata
        self.library, self.reload = library, reload  # functions of a DataFrame: (predictions, probabilities or None)


def library_of(model):
    return type(model).__module__.split(".")[0]


def export(model, rows, folder, title):
    """Writes the file of a model to a folder."""
    library = library_of(model)
    recipe = {"xgboost": xgboost_file, "lightgbm": lightgbm_file, "catboost": catboost_file}.get(library, onnx_file)
    exported = recipe(model, rows, folder)
    if title:
        exported.metadata["title"] = title
    return exported


def answers(model, rows):
    """What the library itself answers: predictions, and probabilities of a classifier that has them."""
    predicted = np.asarray(model.predict(rows))
    probabilities = None
    if hasattr(model, "predict_proba") and getattr(model, "_estimator_type", None) != "outlier_detector":
        try:
            probabilities = np.asarray(model.predict_proba(rows))
        except AttributeError:
            pass  # SVC without probability=True, and the like
    return predicted, probabilities


def ordered(rows, names):
    """The columns that a model was trained on, in its order. LightGBM writes "_" for spaces in names."""
    written = {str(c).replace(" ", "_"): c for c in rows.columns}
    names = [n if n in rows.columns else written.get(n, n) for n in names]
    missing = [n for n in names if n not in rows.columns]
    if missing:
        raise Refused(f"the rows have no column {', '.join(map(str, missing[:10]))}, which the model was trained on")
    chosen = rows[list(names)]
    if len(chosen.columns) > len(names):
        raise Refused(f"the rows have two columns {chosen.columns[chosen.columns.duplicated()][0]}: name them apart")
    return chosen


def of_booster(predicted, classifies):
    """The answers of a Booster: one that classifies predicts probabilities, and knows no labels but 0, 1, 2, …"""
    if not classifies:
        return predicted, None
    if predicted.ndim == 1:
        predicted = np.column_stack([1 - predicted, predicted])
    return predicted.argmax(axis=1), predicted


def categorical(rows):
    """Text as pandas' categories, which XGBoost and LightGBM want."""
    rows = rows.copy()
    for name in rows.columns:
        if is_text(rows[name]):
            rows[name] = rows[name].astype(object).astype("category")
    return rows


def xgboost_file(model, rows, folder):
    import xgboost

    wrapped = hasattr(model, "get_booster")
    booster = model.get_booster() if wrapped else model
    if booster.feature_names:
        rows = ordered(rows, booster.feature_names)
    if any(is_text(rows[c]) for c in rows.columns) and tuple(int(v) for v in xgboost.__version__.split(".")[:2]) < (3, 1):
        raise Refused(f"XGBoost {xgboost.__version__} does not write the names of categories: train with 3.1 or later, or with codes")
    path = folder / "model.ubj"
    booster.save_model(str(path))
    metadata = {}
    if wrapped and getattr(model, "missing", None) is not None and model.missing == model.missing:
        raise Refused(f"missing={model.missing} is not in XGBoost's file: train with NaN, or map {model.missing} to null yourself")
    if not booster.feature_names:
        metadata["feature_names"] = [str(c) for c in rows.columns]

    def data(frame):
        frame = categorical(ordered(frame, rows.columns))
        return frame if booster.feature_names else frame.to_numpy(np.float32)

    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]

    def ask(m):
        def of(frame):
            frame = data(frame)
            if hasattr(m, "get_booster"):
                return answers(m, frame)
            best = m.attr("best_iteration")
            rounds = (0, int(best) + 1) if best is not None else (0, 0)
            p = np.asarray(m.predict(xgboost.DMatrix(frame, enable_categorical=True), iteration_range=rounds))
            return of_booster(p, objective in ("binary:logistic", "binary:hinge", "multi:softprob"))
        return of

    again = type(model)()
    again.load_model(str(path))
    return Exported("model.ubj", path, metadata, ask(model), ask(again))


def lightgbm_file(model, rows, folder):
    import lightgbm

    wrapped = hasattr(model, "booster_")
    booster = model.booster_ if wrapped else model
    names = booster.feature_name()
    if wrapped and hasattr(model, "feature_names_in_"):
        rows = ordered(rows, model.feature_names_in_)
    elif all(n in rows.columns or n in [str(c).replace(" ", "_") for c in rows.columns] for n in names):
        rows = ordered(rows, names)
    path = folder / "model.txt"
    booster.save_model(str(path))
    metadata = {}
    if names != list(rows.columns):
        metadata["feature_names"] = [str(c) for c in rows.columns]
    classes = getattr(model, "classes_", None)
    if classes is not None and (classes.dtype == bool or list(classes) != list(range(len(classes)))):
        metadata["class_labels"] = [str(c) if classes.dtype == bool else c.item() if hasattr(c, "item") else c for c in classes]
    frames = bool(booster.pandas_categorical)
    named = wrapped and hasattr(model, "feature_names_in_") or frames

    def data(frame):
        frame = ordered(frame, rows.columns)
        if not named:
            return frame.to_numpy(np.float64)
        return categorical(frame)

    def own(frame):
        if wrapped:
            return answers(model, data(frame))
        return of_booster(np.asarray(booster.predict(data(frame))), classifies)

    objective = next((line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("objective=")), "")
    classifies = objective.removeprefix("objective=").split(" ")[0] in ("binary", "multiclass", "multiclassova")
    again = lightgbm.Booster(model_file=str(path))

    def reloaded(frame):
        p = np.asarray(again.predict(data(frame)))
        if classes is None:
            return of_booster(p, classifies)
        p = np.column_stack([1 - p, p]) if p.ndim == 1 else p
        return np.asarray(classes)[p.argmax(axis=1)], p

    return Exported("model.txt", path, metadata, own, reloaded)


def catboost_file(model, rows, folder):
    import catboost

    names = model.feature_names_
    if names and all(n in rows.columns for n in names):
        rows = ordered(rows, names)
    path = folder / "model.cbm"
    model.save_model(str(path), format="cbm")
    metadata = {}
    if not names or all(str(n).isdigit() for n in names):
        if not model.get_cat_feature_indices():
            metadata["feature_names"] = [str(c) for c in rows.columns]
    categories = [rows.columns[i] for i in model.get_cat_feature_indices()]

    def data(frame):
        frame = ordered(frame, rows.columns).copy()
        for name in categories:
            frame[name] = frame[name].map(str).astype(object)
        return frame

    classifies = type(model) is catboost.CatBoost and len(model.classes_) > 0

    def ask(m):
        def of(frame):
            if classifies:  # a bare CatBoost, whose predict answers raw values
                p, q = (np.asarray(m.predict(data(frame), prediction_type=kind)) for kind in ("Class", "Probability"))
            else:
                p, q = answers(m, data(frame))
            return (p[:, 0] if p.ndim == 2 and p.shape[1] == 1 else p), q
        return of

    again = type(model)()
    again.load_model(str(path))
    return Exported("model.cbm", path, metadata, ask(model), ask(again))


def onnx_file(model, rows, folder):
    """skl2onnx, in float32 and, where that is not what the estimator answers, in float64."""
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        rows = ordered(rows, names)
    wrong = ""
    for double in (False, True, False):  # where neither is right, the file in float32 is the one to compare
        try:
            exported = onnx_of(model, rows, folder, double, names is not None)
        except Refused:
            raise
        except Exception as e:  # whatever an exporter raises says that it cannot
            wrong = wrong or f"{type(e).__name__}: {str(e).strip().splitlines()[0] if str(e).strip() else e!r}"
            continue
        if wrong == "differs" and not double or agree(exported.library(rows), exported.reload(rows)):
            return exported
        wrong = wrong or "differs"
    raise Refused(f"skl2onnx cannot export {type(model).__name__}: {wrong}")


def agree(a, b, absolute=1e-5, relative=1e-4):
    """Whether two answers are the same but for rounding."""
    return not differences(a, b, absolute, relative)


def differences(a, b, absolute=1e-5, relative=1e-4):
    """What two answers differ in, as text; empty: nothing."""
    (pa, qa), (pb, qb) = a, b
    if qa is not None and qb is not None:
        qa, qb = np.asarray(qa, float), np.asarray(qb, float)
        if qa.shape != qb.shape:
            return f"probabilities of shape {qa.shape} and {qb.shape}"
        apart = np.abs(qa - qb)
        if not np.allclose(qa, qb, rtol=relative, atol=absolute, equal_nan=True):
            return f"probabilities by up to {np.nanmax(apart):.3g}"
    pa, pb = np.asarray(pa), np.asarray(pb)
    if pa.ndim == 2 and pa.shape[1] == 1:
        pa = pa[:, 0]
    if pb.ndim == 2 and pb.shape[1] == 1:
        pb = pb[:, 0]
    if pa.shape != pb.shape:
        return f"predictions of shape {pa.shape} and {pb.shape}"
    try:
        fa, fb = pa.astype(float), pb.astype(float)
    except (TypeError, ValueError):
        n = int((pa.astype(str) != pb.astype(str)).sum())
        return f"{n} of {len(pa)} labels" if n else ""
    if qa is not None:  # labels; a tie of probabilities may fall either way
        n = int((fa != fb).sum())
        return f"{n} of {len(pa)} labels" if n else ""
    if np.allclose(fa, fb, rtol=relative, atol=absolute, equal_nan=True):
        return ""
    return f"predictions by up to {np.nanmax(np.abs(fa - fb)):.3g}"


def by_column(model, rows):
    """Whether a pipeline wants its columns one by one: it holds text, or picks columns by name."""
    if any(is_text(rows[c]) for c in rows.columns):
        return True
    steps = [model] + [s for _, s in getattr(model, "steps", [])]
    for s in steps:
        for t in getattr(s, "transformers", []):
            if isinstance(t[2], str) or isinstance(t[2], (list, tuple)) and any(isinstance(c, str) for c in t[2]):
                return True
    return False


def without_flat_votes(model):
    """The model with flatten_transform=False in voting ensembles: the exporter fails on True, and predict does not see it."""
    import copy

    model = copy.copy(model)
    if type(model).__name__ == "VotingClassifier":
        model.flatten_transform = False
    if hasattr(model, "steps"):
        model.steps = [(name, without_flat_votes(step)) for name, step in model.steps]
    return model


@contextlib.contextmanager
def plain_attributes():
    """skl2onnx hands booleans and arrays of numpy to attributes, which protobuf 7 refuses: they are made numbers and lists."""
    from skl2onnx.common import _container

    make_node = _container.make_node

    def plain(value):
        if isinstance(value, np.ndarray) and value.ndim == 1:
            value = value.tolist()
        if isinstance(value, (bool, np.bool_)):
            return int(value)
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, list):
            return [plain(v) for v in value]
        return value

    _container.make_node = lambda *a, **k: make_node(*a, **{n: plain(v) for n, v in k.items()})
    try:
        yield
    finally:
        _container.make_node = make_node


def onnx_of(model, rows, folder, double, framed):
    import onnx
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

    fitted, model = model, without_flat_votes(model)
    register_boosters()
    numbers = DoubleTensorType if double else FloatTensorType
    columns = {str(c): c for c in rows.columns} if by_column(model, rows) else None  # by name of the input that takes it
    if columns:
        if "" in columns:
            raise Refused("a column has no name, and each is an input of its own: train with one")
        if len(columns) < len(rows.columns):
            raise Refused("two columns have one name, and each is an input of its own: name them apart")
        types = [(name, (StringTensorType if is_text(rows[c]) else numbers)([None, 1])) for name, c in columns.items()]
    else:
        types = [("x", numbers([None, rows.shape[1]]))]
    classifier = hasattr(model, "classes_") or hasattr(model, "predict_proba")
    options = {id(model): {"zipmap": False}} if classifier else None
    with plain_attributes():
        try:
            graph = convert_sklearn(model, initial_types=types, options=options, target_opset=target_opset())
        except NameError:  # an estimator that has no such option
            graph = convert_sklearn(model, initial_types=types, target_opset=target_opset())
    metadata = {}
    if not columns:
        metadata["feature_names"] = [str(c) for c in rows.columns]
    if rows.select_dtypes("number").isna().to_numpy().any():
        metadata["missing_values"] = "allowed"
    for key, value in metadata.items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = key, value if isinstance(value, str) else json.dumps(value)
    if columns:
        rename_inputs(graph, list(columns))
    path = folder / "model.onnx"
    onnx.save(graph, str(path))
    categories = text_categories(graph) if columns else {}
    words = null_words(categories)
    trained = {columns[name]: value for name, value in own_values(fitted, categories, words).items()}

    def own(frame):
        frame = with_missing(ordered(frame, rows.columns), trained)
        return answers(fitted, frame if framed else frame.to_numpy())

    return Exported("model.onnx", path, {}, own, runtime(path, rows, columns, words, classifier))


def own_values(model, categories, words):
    """By name of an input, the category of an estimator that is exported as the word for a missing value: NaN, None or text. A column's
    encoder is the first that has its categories and is no other column's."""
    known, found = list(fitted_categories(model, set())), {}
    for name, texts in categories.items():
        at = next((i for i, own in enumerate(known) if {str(v) for v in own} == set(texts)), None)
        own = known.pop(at) if at is not None else [np.nan, None]
        if name in words:
            found[name] = next(v for v in own if str(v) == words[name])
    return found


def fitted_categories(part, seen):
    """The categories of all encoders in an estimator, a list for each column, in the order in which they are written."""
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, dict):
        parts = part.values()
    elif isinstance(part, (list, tuple)):
        parts = part
    elif hasattr(part, "get_params"):
        yield from getattr(part, "categories_", [])
        parts = vars(part).values()
    else:
        return
    for p in parts:
        yield from fitted_categories(p, seen)


def runtime(path, rows, columns, words, classifier):
    """ONNX Runtime on the file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(string)": object, "tensor(int64)": np.int64}

    def of(frame):
        frame = ordered(frame, rows.columns)
        feeds = {}
        for i in session.get_inputs():
            if columns is None:
                feeds[i.name] = frame.to_numpy().astype(kinds[i.type])
            else:
                column = frame[columns[i.name]]
                values = with_missing(frame, {columns[i.name]: words.get(i.name, "")})[columns[i.name]].map(str) if is_text(column) else column
                feeds[i.name] = values.to_numpy().astype(kinds[i.type]).reshape(-1, 1)
        out = session.run(None, feeds)
        if classifier and len(out) == 2:
            return np.asarray(out[0]), np.asarray(out[1])
        return np.asarray(out[0]), None

    return of


def target_opset():
    """Opsets that skl2onnx, ONNX Runtime and the service all know."""
    import onnx
    import skl2onnx

    newest = min(onnx.defs.onnx_opset_version(), getattr(skl2onnx, "__max_supported_opset__", 15))
    return {"": min(21, newest), "ai.onnx.ml": 3}


def rounded(*functions):
    """Two functions of output shapes and a converter, of XGBoost: it rounds doubles to float32, as it does by itself in a pipeline of doubles."""
    from onnx import TensorProto
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    def floats(shapes):
        def of(operator):
            shapes(operator)
            for v in operator.outputs:
                if isinstance(v.type, DoubleTensorType):
                    v.set_type(FloatTensorType(v.type.shape))
        return of

    def converter(scope, operator, container):
        x = operator.inputs[0]
        if isinstance(x.type, DoubleTensorType):
            single = scope.declare_local_variable("rounded", FloatTensorType(x.type.shape))
            container.add_node("Cast", [x.full_name], [single.full_name], name=scope.get_unique_operator_name("Cast"), to=TensorProto.FLOAT)
            operator.inputs.set_element(0, single)
        functions[2](scope, operator, container)

    return floats(functions[0]), floats(functions[1]), converter


def register_boosters():
    """XGBoost and LightGBM inside pipelines, where onnxmltools is there to export them."""
    try:
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
        from skl2onnx import update_registered_converter
        from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes
    except ImportError:
        return
    shapes = calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes
    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    for module, classifier, regressor, functions in (("xgboost", "XGBClassifier", "XGBRegressor", rounded(*shapes, convert_xgboost)), ("lightgbm", "LGBMClassifier", "LGBMRegressor", (*shapes, convert_lightgbm))):
        try:
            library = __import__(module)
        except ImportError:
            continue
        update_registered_converter(getattr(library, classifier), "Pack" + classifier, functions[0], functions[2], options=options)
        update_registered_converter(getattr(library, regressor), "Pack" + regressor, functions[1], functions[2])
