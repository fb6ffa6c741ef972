package catboost

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// TestCode compares with the hashes that CatBoost itself wrote beside its JSON.
func TestCode(t *testing.T) {
	for category, want := range map[string]uint32{"": 797982799, "kiwi": 456895510, "日本": 2454628577, "çé ü": 734813816, "Banana": 2806141819, "14": 473025659, "-1": 288298918} {
		if got := Code(category); got != float64(int32(want)) {
			t.Errorf("%q: got %v, want %v", category, got, int32(want))
		}
	}
}

func TestRefused(t *testing.T) {
	files := fixtures(t)
	data := func(name string) []byte { return read(t, files, "formats/"+name+"/model.cbm") }
	replaced := func(name, old, new string) []byte {
		t.Helper()
		was := data(name)
		if !bytes.Contains(was, []byte(old)) || len(old) != len(new) {
			t.Fatalf("%s: cannot put %q for %q", name, new, old)
		}
		return bytes.ReplaceAll(was, []byte(old), []byte(new))
	}
	ctr := data("cat_ctr_simple")
	trees := 8 + binary.LittleEndian.Uint32(ctr[4:])
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":     {nil, `not a .cbm file of CatBoost, which begins with "CBM1"`},
		"JSON":        {[]byte(`{"features_info":{}}`), `not a .cbm file of CatBoost`},
		"text":        {data("cat_text"), "text features are not supported; supported: numbers and categories"},
		"format":      {replaced("cat_rmse", "FlabuffersModel_v1", "FlabuffersModel_v2"), `format "FlabuffersModel_v2" is not supported`},
		"loss":        {replaced("cat_rmse", `"type":"RMSE"`, `"type":"LOSS"`), `loss "LOSS" is not supported; supported: Cox, CrossEntropy, `},
		"no loss":     {replaced("cat_rmse", `"loss_function":{"type"`, `"loss_functiom":{"type"`), "the file does not say its loss"},
		"class names": {replaced("cat_labels_integers", `"class_names":[-2,7,40]`, `"class_names":[-2,7.40]`), "class_names: want 3, got 2"},
		"no tables":   {ctr[:trees], "tables of categories: the file is cut off"},
		"cut tables":  {ctr[:len(ctr)-9], "is cut off"},
		"other table": {bytes.Replace(ctr, ctr[trees+4:], make([]byte, len(ctr[trees+4:])), 1), "tables of categories: table 0: "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestTruncated cuts files, and flips their bytes: nothing may panic, and no part is a model.
func TestTruncated(t *testing.T) {
	files := fixtures(t)
	for _, name := range []string{"cat_stumps", "cat_lossguide", "cat_ctr_combinations_onehot", "cat_onehot"} {
		data := read(t, files, "formats/"+name+"/model.cbm")
		for n := 0; n < len(data); n += 9 {
			if n%27 == 0 {
				if _, err := Load(data[:n]); err == nil {
					t.Fatalf("%s: the first %d of %d bytes load", name, n, len(data))
				}
			}
			for _, flip := range []byte{1, 0xff} {
				flipped := bytes.Clone(data)
				flipped[n] ^= flip
				if m, err := Load(flipped); err == nil {
					m.Raw(make([]float64, m.Outputs()), make([]float64, len(m.Columns())), 1)
				}
			}
		}
	}
}

// TestLosses: what CatBoost 1.2.10 predicts from models of losses that have no fixture.
func TestLosses(t *testing.T) {
	for _, name := range []string{"Cox", "SurvivalAft", "GroupQuantile"} {
		m := &Model{outputs: 1}
		if err := m.setLoss(&document{loss: name}); err != nil || m.kind != Regressor || m.link != identity {
			t.Errorf("%s: got kind %d, link %d, %v; want a regressor that answers its raw value", name, m.kind, m.link, err)
		}
	}
	m := &Model{outputs: 1}
	if err := m.setLoss(&document{loss: "Logloss", classes: []any{0.5, 2.0}}); err != nil || !slices.Equal(m.texts, []string{"0.5", "2.0"}) {
		t.Errorf("labels 0.5 and 2.0: got %q, %v", m.texts, err)
	}
}
