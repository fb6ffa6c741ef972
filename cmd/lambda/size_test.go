//go:build !race

// One call after the other: there is nothing for the race detector to find, and it would take minutes.

package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"
	"google.golang.org/protobuf/encoding/protowire"

	"ml-service/handler"
	"ml-service/model"
	"ml-service/models"
)

// held is how many bytes the buffer below w has room for.
func held(w any) int {
	v := reflect.Indirect(reflect.ValueOf(w))
	if body := v.FieldByName("body"); body.IsValid() {
		return body.FieldByName("buf").Cap()
	}
	if below := v.FieldByName("ResponseWriter"); below.IsValid() && !below.IsNil() {
		return held(below.Interface())
	}
	return 0
}

func aliveBytes() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Of an answer of 100 MB no more is held than of one that just passes, and nothing once it is too long.
func TestLongAnswerIsNotKept(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	piece := []byte(strings.Repeat("0.125,", 10_000))
	for _, tt := range []struct {
		shape string
		limit int
	}{
		{"rest", answerLimit}, {"httpapi", answerLimit}, {"functionurl", answerLimit}, {"alb", balancerLimit}, {"albmulti", balancerLimit}, {"direct", answerLimit},
	} {
		t.Run(tt.shape, func(t *testing.T) {
			most, last, alive := 0, 0, 0
			engine := gin.New()
			engine.POST("/predict", func(c *gin.Context) {
				c.Header("Content-Type", "application/json")
				before := aliveBytes()
				for n := 0; n < 100<<20; n += len(piece) {
					if written, err := c.Writer.Write(piece); err != nil || written != len(piece) {
						t.Errorf("got %d, %v", written, err)
					}
					last = held(c.Writer)
					most = max(most, last)
				}
				alive = aliveBytes() - before
			})
			f := newFunction(engine, instance{version: "7", model: "v1.0.0"}, slog.New(slog.DiscardHandler))
			payload := []byte(`{"x":[]}`)
			if tt.shape != "direct" {
				payload = event(t, tt.shape, request{Method: http.MethodPost, Path: "/predict"}, false)
			}
			status, text, _ := f.send(t, tt.shape, payload)
			if status != http.StatusRequestEntityTooLarge || !strings.Contains(text, "the answer would have 10") {
				t.Errorf("got %d %.200s, want 413", status, text)
			}
			t.Logf("a buffer of up to %d bytes, at the end of %d; %d bytes of heap", most, last, alive)
			if most == 0 || most > 3*tt.limit || last > 0 || alive > 1<<20 {
				t.Errorf("a buffer of up to %d bytes, at the end of %d; %d bytes of heap", most, last, alive)
			}
		})
	}
}

func field(num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
}

func number(num protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// regressors is an ONNX file of a LinearRegressor for each name, of so many targets of three values each.
func regressors(targets int, names ...string) []byte {
	value := func(name string, width int) []byte {
		shape := join(field(1, field(2, []byte("N"))), field(1, number(1, uint64(width))))
		return join(field(1, []byte(name)), field(2, field(1, join(number(1, 1), field(2, shape)))))
	}
	var coefficients []byte
	for i := range 3 * targets {
		coefficients = protowire.AppendFixed32(coefficients, math.Float32bits(1/float32(i+3)))
	}
	graph := join(field(2, []byte("g")), field(11, value("x", 3)))
	for _, name := range names {
		graph = join(graph, field(12, value(name, targets)), field(1, join(field(1, []byte("x")), field(2, []byte(name)), field(4, []byte("LinearRegressor")),
			field(5, join(field(1, []byte("coefficients")), field(7, coefficients), number(20, 6))),
			field(5, join(field(1, []byte("targets")), number(3, uint64(targets)), number(20, 2))),
			field(7, []byte("ai.onnx.ml")))))
	}
	return join(number(1, 8), field(7, graph), field(8, number(2, 17)), field(8, join(field(1, []byte("ai.onnx.ml")), number(2, 3))))
}

// forms are the bodies of n rows of three values in every form, and where they are sent.
var forms = map[string]struct {
	path, kind, accept string
	body               func(values, names []string) string // three a row
}{
	"predict":       {"/predict", "application/json", "", func(v, names []string) string { return `{"x":` + nested(v) + `}` }},
	"probabilities": {"/predict?probabilities=true", "application/json", "", func(v, names []string) string { return `{"x":` + nested(v) + `}` }},
	"instances":     {"/invocations", "application/json", "", func(v, names []string) string { return `{"instances":` + nested(v) + `}` }},
	"KServe V1":     {"/v1/models/ml-service:predict", "application/json", "", func(v, names []string) string { return `{"instances":` + nested(v) + `}` }},
	"columns": {"/invocations", "application/json", "", func(v, names []string) string {
		var column [3][]string
		for i, one := range v {
			column[i%3] = append(column[i%3], one)
		}
		return fmt.Sprintf(`{"inputs":{%q:[%s],%q:[%s],%q:[%s]}}`, names[0], strings.Join(column[0], ","), names[1], strings.Join(column[1], ","), names[2], strings.Join(column[2], ","))
	}},
	"split": {"/invocations", "application/json", "", func(v, names []string) string {
		return fmt.Sprintf(`{"dataframe_split":{"columns":[%q,%q,%q],"data":%s}}`, names[0], names[1], names[2], nested(v))
	}},
	"V2":                {"/v2/models/ml-service/infer", "application/json", "", func(v, names []string) string { return tensor(v) + `}` }},
	"V2 binary":         {"/v2/models/ml-service/infer", "application/json", "", func(v, names []string) string { return tensor(v) + `,"parameters":{"binary_data_output":true}}` }},
	"CSV":               {"/invocations", "text/csv", "text/csv", asCSV},
	"CSV of all scores": {"/invocations?probabilities=true", "text/csv", "text/csv", asCSV},
	"CSV for JSON":      {"/invocations", "application/json", "text/csv", func(v, names []string) string { return nested(v) }},
	"JSON for CSV":      {"/invocations", "text/csv", "application/json", asCSV},
}

func nested(v []string) string {
	var b strings.Builder
	for i := 0; i < len(v); i += 3 {
		b.WriteString(",[" + strings.Join(v[i:i+3], ",") + "]")
	}
	return "[" + b.String()[1:] + "]"
}

func asCSV(v, _ []string) string {
	var b strings.Builder
	for i := 0; i < len(v); i += 3 {
		b.WriteString(strings.Join(v[i:i+3], ",") + "\n")
	}
	return b.String()
}

func tensor(v []string) string {
	return fmt.Sprintf(`{"inputs":[{"name":"x","datatype":"FP32","shape":[%d,3],"data":[%s]}]`, len(v)/3, strings.Join(v, ","))
}

// So many rows as the 413 says do pass, in every form of an answer, and clearly more do not.
func TestRowsThatFit(t *testing.T) {
	load := func(file []byte) *model.Model {
		t.Helper()
		m, err := model.Load(fstest.MapFS{"v1/model.onnx": {Data: file}}, "v1")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	demo, err := model.Load(models.FS, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range 250 {
		names = append(names, fmt.Sprintf("%0600d", i))
	}
	for _, tt := range []struct {
		name, shape string
		model       *model.Model
		rows, limit int
		forms       []string
		least       float64 // of the limit that an answer to so many rows takes
	}{
		{"labels", "alb", demo, 60_000, balancerLimit, []string{"predict", "probabilities", "V2", "V2 binary", "CSV of all scores"}, 0.9},
		{"labels", "alb", demo, 300_000, balancerLimit, []string{"columns", "split", "KServe V1", "JSON for CSV"}, 0.9},
		{"labels", "albmulti", demo, 400_000, balancerLimit, []string{"CSV", "CSV for JSON"}, 0.9},
		{"3000 values", "httpapi", load(regressors(3000, "y")), 600, answerLimit, []string{"predict", "instances", "columns", "split", "V2", "V2 binary", "CSV"}, 0.9},
		{"250 outputs of long names", "rest", load(regressors(1, names...)), 8000, answerLimit, []string{"predict", "V2", "V2 binary"}, 0.9},
		{"250 outputs of long names", "albmulti", load(regressors(1, names...)), 1500, balancerLimit, []string{"predict", "V2", "V2 binary", "CSV"}, 0.75},
		{"250 outputs of long names", "albmulti", load(regressors(1, names...)), 20, balancerLimit, []string{"instances"}, 0.75},
	} {
		random := rand.New(rand.NewPCG(1, 2))
		values := make([]string, 3*tt.rows)
		for i := range values {
			values[i] = fmt.Sprintf("%.2f", random.Float64()*4-2)
		}
		columns := tt.model.Inputs()[0].Features
		if columns == nil {
			columns = []string{"0", "1", "2"}
		}
		f := newFunction(handler.New(handler.Options{Model: tt.model, MaxBodyBytes: 64 << 20}).Engine(), instance{}, slog.New(slog.DiscardHandler))
		if testing.Short() {
			tt.forms = tt.forms[:1]
		}
		for _, name := range tt.forms {
			t.Run(tt.name+"/"+tt.shape+"/"+name, func(t *testing.T) {
				form := forms[name]
				send := func(rows int) (int, string, int) {
					t.Helper()
					r := request{Method: http.MethodPost, Path: form.path, Body: form.body(values[:3*rows], columns), Header: map[string]string{"Content-Type": form.kind, "Accept": form.accept}}
					return f.send(t, tt.shape, event(t, tt.shape, r, false))
				}
				status, text, _ := send(tt.rows)
				var said struct{ Error string }
				var had, bytes, limit, fit int
				if err := json.Unmarshal([]byte(text), &said); err != nil || status != http.StatusRequestEntityTooLarge {
					t.Fatalf("got %d %.300s, want 413", status, text)
				}
				if _, err := fmt.Sscanf(said.Error, "the answer to %d rows would have %d bytes, and %d can pass here: send at most %d rows at once", &had, &bytes, &limit, &fit); err != nil || had != tt.rows || limit != tt.limit {
					t.Fatalf("got %s, %v", text, err)
				}
				status, text, size := send(fit)
				if status != http.StatusOK || size > tt.limit || float64(size) < tt.least*float64(tt.limit) {
					t.Errorf("%d rows: got %d with %d bytes, want 200 with a little less than %d: %.200s", fit, status, size, tt.limit, text)
				}
				t.Logf("%d rows: %d bytes; %d rows fit: %d bytes", tt.rows, bytes, fit, size)
				if more := int(float64(fit) * 1.1 / tt.least); more < tt.rows {
					if status, text, _ = send(more); status != http.StatusRequestEntityTooLarge {
						t.Errorf("%d rows: got %d %.200s, want 413", more, status, text)
					}
				}
			})
		}
	}
}

// A single row whose answer is too long gets no advice about rows.
func TestOneRowThatDoesNotFit(t *testing.T) {
	m, err := model.Load(fstest.MapFS{"v1/model.onnx": {Data: regressors(150_000, "y")}}, "v1")
	if err != nil {
		t.Fatal(err)
	}
	f := newFunction(handler.New(handler.Options{Model: m}).Engine(), instance{}, slog.New(slog.DiscardHandler))
	for _, rows := range []string{`[[1,2,3]]`, `[[1,2,3],[1,2,3]]`} {
		status, text, _ := f.send(t, "alb", event(t, "alb", request{Method: http.MethodPost, Path: "/predict", Body: `{"x":` + rows + `}`}, false))
		if status != http.StatusRequestEntityTooLarge || strings.Contains(text, "rows") {
			t.Errorf("%s: got %d %.200s, want 413", rows, status, text)
		}
	}
}
