package onnx_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"ml-service/onnx"
)

// beyond is how many models testdata holds of tiers 2 and 3.
const beyond = 67

// runnable are those of them that need only operators of tier 1 and further simple ones. TestFixtures runs them.
var runnable = []string{
	"adaboost_classifier", "adaboost_classifier_binary", "bagging_classifier", "bagging_classifier_subset", "bagging_regressor",
	"bernoulli_nb", "calibrated_isotonic", "calibrated_sigmoid", "calibrated_sigmoid_multiclass", "categorical_nb", "complement_nb",
	"feature_union", "function_transformer_identity", "gamma_regressor", "gaussian_mixture", "gaussian_nb", "isolation_forest",
	"kbins_onehot_logreg", "kbins_ordinal", "kmeans", "minibatch_kmeans", "multi_output_regressor", "multinomial_nb", "one_vs_one",
	"one_vs_rest_forest", "pca", "pca_whiten_logreg", "poisson_regressor", "polynomial_features", "polynomial_interactions_ridge",
	"power_transformer", "qda", "quantile_transformer", "stacking_classifier", "stacking_regressor", "tree_classifier_decision_path",
	"truncated_svd", "tweedie_regressor", "voting_hard", "voting_regressor", "voting_soft",
}

// refusals are all others, each with the first node of the file that is not supported.
var refusals = map[string]struct{ operator, node string }{
	"adaboost_regressor":               {"ai.onnx.TopK", `node "TopK1"`},
	"count_logreg_stopwords":           {"ai.onnx.StringNormalizer", `node "StringNormalizer"`},
	"count_vectorizer":                 {"ai.onnx.StringNormalizer", `node "StringNormalizer"`},
	"feature_hasher":                   {"com.microsoft.MurmurHash3", `node "N0"`},
	"gaussian_process":                 {"ai.onnx.Scan", `node "Sc_Scan"`},
	"knn_classifier":                   {"ai.onnx.Scan", `node "Sc_Scan"`},
	"knn_classifier_distance":          {"ai.onnx.Scan", `node "Sc_Scan"`},
	"knn_classifier_manhattan_strings": {"ai.onnx.Scan", `node "Sc_Scan"`},
	"knn_imputer":                      {"ai.onnx.Compress", `node "Opset-N1"`},
	"knn_regressor":                    {"ai.onnx.Scan", `node "Sc_Scan"`},
	"knn_regressor_opset9":             {"ai.onnx.Scan", `node "Sc_Scan"`},
	"multi_output_classifier":          {"ai.onnx.SequenceConstruct", `node "Se_SequenceConstruct"`},
	"nu_svc":                           {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"one_class_svm":                    {"ai.onnx.ml.SVMRegressor", `node "SVM"`},
	"svc_linear_probability":           {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"svc_poly":                         {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"svc_rbf_binary":                   {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"svc_rbf_multiclass":               {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"svc_rbf_probability_binary":       {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"svc_sigmoid_strings":              {"ai.onnx.ml.SVMClassifier", `node "SVMc"`},
	"svr_linear":                       {"ai.onnx.ml.SVMRegressor", `node "SVM"`},
	"svr_poly":                         {"ai.onnx.ml.SVMRegressor", `node "SVM"`},
	"svr_rbf":                          {"ai.onnx.ml.SVMRegressor", `node "SVM"`},
	"tfidf_char_logreg":                {"ai.onnx.StringNormalizer", `node "StringNormalizer"`},
	"tfidf_logreg":                     {"ai.onnx.StringNormalizer", `node "StringNormalizer"`},
	"tfidf_vectorizer":                 {"ai.onnx.StringNormalizer", `node "StringNormalizer"`},
}

// TestRefusals shows that every model of tiers 2 and 3 that cannot be run is refused at load, by operator and node,
// with the list of what is supported.
func TestRefusals(t *testing.T) {
	var names []string
	for _, m := range readIndex(t).Models {
		if m.Tier > 1 {
			names = append(names, m.Name)
		}
	}
	listed := slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(refusals)), runnable...)))
	if slices.Sort(names); len(names) != beyond || !slices.Equal(names, listed) {
		t.Fatalf("the index has %d models beyond tier 1, want %d: %v\nlisted here: %v", len(names), beyond, names, listed)
	}
	for name, want := range refusals {
		m, err := onnx.Load(readModel(t, name))
		var got *onnx.LoadError
		if m != nil || !errors.As(err, &got) {
			t.Errorf("%s: got %v, want a *LoadError", name, err)
			continue
		}
		if got.Operator != want.operator || got.Node != want.node || !slices.Equal(got.Supported, onnx.Operators()) {
			t.Errorf("%s: got %s at %s, want %s at %s, and all that is supported", name, got.Operator, got.Node, want.operator, want.node)
		}
		message := "onnx: " + want.operator + ", " + want.node + ": the operator is not supported"
		list := "; supported: " + strings.Join(onnx.Operators(), ", ")
		if !strings.HasPrefix(err.Error(), message) || !strings.HasSuffix(err.Error(), list) {
			t.Errorf("%s: got %q, want it to begin with %q and to list all that is supported", name, err, message)
		}
	}
	t.Logf("%d models refused by operator and node, %d of tiers 2 and 3 run", len(refusals), len(runnable))
}
