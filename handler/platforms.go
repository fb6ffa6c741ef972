package handler

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"ml-service/handler/predict"
	"ml-service/handler/table"
)

// The door of the managed platforms: what each of them asks of an image, beside /predict and from the same model.
//
//	SageMaker  the argument serve, /ping, /invocations, /opt/ml/model
//	           https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
//	MLflow     /ping, /invocations    https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally
//	Vertex AI  AIP_HTTP_PORT, AIP_HEALTH_ROUTE, AIP_PREDICT_ROUTE, AIP_STORAGE_URI
//	           https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
//	KServe V1  /v1/models…            https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
//
// Triton's routes are in platforms_triton.go; predict.DecodePlatform says what the bodies are.

const (
	sagemakerModels = "/opt/ml/model" // where SageMaker unpacks model.tar.gz
	imageModels     = "/models"       // MODEL_DIR of the image
)

// OnPlatform turns what a platform says by arguments and environment into what Configure reads: args without the argument serve
// in front, and getenv with PORT and MODEL_DIR where only the platform's own names say them. An error is a UsageError.
func OnPlatform(args []string, getenv func(string) string) ([]string, func(string) string, error) {
	return onPlatform(args, getenv, sagemakerModels)
}

func onPlatform(args []string, getenv func(string) string, models string) ([]string, func(string) string, error) {
	set := map[string]string{"PORT": cmp.Or(getenv("PORT"), getenv("AIP_HTTP_PORT"))}
	dir := getenv("MODEL_DIR")
	own := dir != "" && dir != imageModels
	if len(args) > 0 && args[0] == "serve" {
		args = args[1:]
		set["PORT"] = cmp.Or(set["PORT"], getenv("SAGEMAKER_BIND_TO_PORT"))
		if entries, err := os.ReadDir(models); !own && (err == nil && len(entries) > 0 || errors.Is(err, os.ErrPermission)) {
			set["MODEL_DIR"] = models
			own = true
		}
	}
	flag := func(arg string) bool { return strings.HasPrefix(strings.TrimLeft(arg, "-"), "model-dir") }
	if uri := getenv("AIP_STORAGE_URI"); uri != "" && !own && !slices.ContainsFunc(args, flag) {
		return nil, nil, Usage(fmt.Errorf("AIP_STORAGE_URI is %s, from where nothing is fetched: build the image with the model and upload it "+
			"without an artifact URI, or set MODEL_DIR; docs/platforms.md", shortened(uri)))
	}
	return args, func(name string) string {
		if v := set[name]; v != "" {
			return v
		}
		return getenv(name)
	}, nil
}

// aipRoutes are the addresses that Vertex AI chose; empty: none.
type aipRoutes struct{ health, predict string }

// aipRoute checks one.
func aipRoute(v string) error {
	if v != "" && (v[0] != '/' || !usableRoute(v)) {
		return errors.New("want a path as /predict or /v1/endpoints/7/deployedModels/8:predict")
	}
	return nil
}

func usableRoute(v string) bool {
	for i := range len(v) {
		if v[i] <= ' ' || v[i] > '~' || strings.IndexByte("?#%", v[i]) >= 0 {
			return false
		}
	}
	return true
}

// routeOf is the route that a path is one more address of; empty: of none.
func (a aipRoutes) routeOf(path string) string {
	switch {
	case path == "":
	case path == a.predict:
		return "/invocations"
	case path == a.health:
		return "/ping"
	}
	return ""
}

// noRoute answers what the router does not know: the addresses that Vertex AI chose, which may hold what the router takes for a
// pattern, and 404.
func (s *Service) noRoute(c *gin.Context) {
	allow, answer := "GET, HEAD", s.health
	switch s.aip.routeOf(c.Request.URL.Path) {
	case "/invocations":
		allow, answer = "POST", s.invoke
	case "/ping":
	default:
		s.fail(c, errNotFound)
		return
	}
	if slices.Contains(strings.Split(allow, ", "), c.Request.Method) {
		answer(c)
		return
	}
	c.Writer.Header()["Allow"] = []string{allow}
	s.noMethod(c)
}

func (s *Service) routePlatforms(g *gin.RouterGroup) {
	handleGet(g, "/ping", s.health)
	g.POST("/invocations", s.invoke)
	handleGet(g, "/v1/models", func(c *gin.Context) {
		s.writeValue(c, struct {
			Models []string `json:"models"`
		}{[]string{s.name}})
	})
	handleGet(g, "/v1/models/:name", s.v1Ready, s.v2Known, s.v2ModelReady)
	g.POST("/v1/models/:name", s.v1Predict)
}

// v1Methods are the methods of an address of KServe V1, where path is one; the router takes the verb behind the colon for a part of
// the model's name.
func (s *Service) v1Methods(path string) (methods []string, ok bool) {
	name, ok := strings.CutPrefix(strings.TrimPrefix(path, s.base), "/v1/models/")
	switch {
	case !ok || name == "":
		return nil, false
	case name == s.name+":predict":
		return []string{"POST"}, true
	}
	return []string{"GET, HEAD"}, true
}

// v1Ready lets a GET of a model through, and refuses that of its verb.
func (s *Service) v1Ready(c *gin.Context) {
	if methods, ok := s.v1Methods(c.Request.URL.Path); ok && methods[0] == "POST" {
		c.Writer.Header()["Allow"] = methods
		s.fail(c, errMethod)
		c.Abort()
	}
}

// v1Predict answers POST /v1/models/{name}:predict.
func (s *Service) v1Predict(c *gin.Context) {
	name, verb := c.Param("name"), ""
	if k := strings.LastIndexByte(name, ':'); k >= 0 && name != s.name {
		name, verb = name[:k], name[k+1:]
	}
	switch {
	case name != s.name:
		s.fail(c, &refusal{status: http.StatusNotFound, message: fmt.Sprintf("unknown model %q: there is %q", shortened(name), s.name)})
	case verb == "predict":
		s.invoke(c)
	case verb == "":
		c.Writer.Header()["Allow"], _ = s.v1Methods(c.Request.URL.Path)
		s.fail(c, errMethod)
	default:
		s.fail(c, &refusal{status: http.StatusNotFound, message: fmt.Sprintf("no such verb %q: want predict", shortened(verb))})
	}
}

var csvType = []string{"text/csv"} // without a charset, which SageMaker's PandasDeserializer takes for another type

// invoke answers rows in the forms of the platforms, JSON or CSV.
func (s *Service) invoke(c *gin.Context) {
	x, _ := s.buffers.Get().(*exchange)
	if x == nil {
		x = new(exchange)
	}
	whole := false
	defer func() {
		if s.settle(&x.claim); whole {
			s.buffers.Put(x) // last of all: from here on it is another request's
		}
	}()
	kind, header, _ := mime.ParseMediaType(c.Request.Header.Get("Content-Type")) // what is no type is read as JSON
	x.recorded, x.kind, x.csv = false, jsonType, kind == "text/csv"
	if acceptsCSV(c.Request.Header.Values("Accept")) {
		x.kind = csvType
	}
	if err := s.answerPlatform(c, x, header["header"]); err != nil {
		s.fail(c, err)
	}
	s.trim(x)
	whole = true // what a panic interrupted is not used again
}

// acceptsCSV says whether CSV is asked for, before JSON.
func acceptsCSV(accept []string) bool {
	for _, one := range strings.Split(strings.Join(accept, ","), ",") {
		kind, _, _ := strings.Cut(one, ";")
		switch strings.TrimSpace(kind) {
		case "text/csv":
			return true
		case "application/json", "*/*", "application/*":
			return false
		}
	}
	return false
}

func (s *Service) answerPlatform(c *gin.Context, x *exchange, header string) error {
	body, asked, err := s.take(c, x, s.platforms)
	if err != nil {
		return err
	}
	p := s.platforms.Request()
	var r rows = p
	if x.csv {
		var lines *csvLines
		lines, err = s.readCSV(p, body, header)
		r = lines
	} else {
		err = p.DecodePlatform(body)
	}
	if x.kind[0] == csvType[0] {
		r = &csvAnswer{rows: r, request: p}
	}
	return s.reply(c, x, p.Batch, r, err, asked)
}

// csvLines are rows that came as CSV.
type csvLines struct {
	*predict.Request
	table *table.Table
	first int    // the line at which text begins, from 1 on
	text  []byte // the rows, until the model has taken them
}

// readCSV fills the batch of p. header is present, absent, or empty: the first line is one where it names columns of the model.
func (s *Service) readCSV(p *predict.Request, body []byte, header string) (*csvLines, error) {
	lines := &csvLines{Request: p}
	p.FillRowwise(lines.field)
	if !utf8.Valid(body) {
		return lines, &predict.Error{NotJSON: true, Message: "the body is not CSV in UTF-8"}
	}
	rest := bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var err error
	if lines.table, err = table.InOrder(s.model); err != nil {
		return lines, &predict.Error{Field: "csv", Message: err.Error()}
	}
	line := 1
	first, below := table.CutLine(rest, true)
	switch {
	case header == "present" || header == "" && lines.table.IsHeader(first):
		var unknown []string
		lines.table, unknown, err = table.Named(s.model, first)
		if err == nil && len(unknown) > 0 {
			err = fmt.Errorf("the header has columns that the model does not have: %s", table.QuotedList(unknown))
		}
		if err != nil {
			return lines, &predict.Error{Field: "csv", Message: err.Error()}
		}
		line, rest = 2+bytes.Count(first, newline), below
	case header != "" && header != "absent":
		return lines, &refusal{status: http.StatusUnsupportedMediaType, message: fmt.Sprintf("text/csv; header: want present or absent, got %q", shortened(header))}
	}
	lines.first, lines.text = line, rest
	count := 0
	for text := rest; len(text) > 0; {
		var one []byte
		if one, text = table.CutLine(text, true); len(one) > 0 {
			count++
		}
	}
	if count == 0 {
		return lines, &predict.Error{Field: "csv", Message: "want at least one row, got none"}
	}
	if absent := len(lines.table.Absent()) * count; absent > s.platforms.MostAbsents(len(body)) {
		return lines, &predict.Error{Field: "csv", Message: "more values are absent than the body has bytes: send fewer rows at once"}
	}
	lines.table.Resize(p.Batch, count)
	var cells [][]byte
	for row := 0; row < count; {
		one, after := table.CutLine(rest, true)
		if rest = after; len(one) == 0 {
			continue
		}
		if cells, err = table.Split(cells[:0], one); err == nil {
			err = lines.table.Fill(p.Batch, row, cells)
		}
		if err != nil {
			return lines, lines.wrong(row, err)
		}
		row++
	}
	return lines, nil
}

// Refused says at which line and column the value stands that the model refuses.
func (l *csvLines) Refused(err error) error {
	if row, at := l.table.Refused(err); row >= 0 {
		err = l.wrong(row, at)
	}
	l.text = nil // the body's memory is another's while the answer is written
	return err
}

// line is the one at which a row begins, from 1 on.
func (l *csvLines) line(row int) int {
	line := l.first
	for text := l.text; len(text) > 0; line++ {
		var one []byte
		one, text = table.CutLine(text, true)
		if len(one) > 0 {
			if row--; row < 0 {
				break
			}
		}
		line += bytes.Count(one, newline)
	}
	return line
}

// field is where an element of an input stands.
func (l *csvLines) field(input int, element []int) string {
	return l.place(element[0], l.table.Nth(input, element))
}

// place is that of a row, or of its nth field: by the name of the column, where it has one.
func (l *csvLines) place(row, nth int) string {
	switch {
	case nth < 0:
		return fmt.Sprintf("csv[%d]", row)
	case l.table.Column(nth) != "":
		return fmt.Sprintf("csv[%d].%s", row, l.table.Column(nth))
	}
	return fmt.Sprintf("csv[%d][%d]", row, nth)
}

// wrong is a fault of a row.
func (l *csvLines) wrong(row int, err error) error {
	nth, message := -1, err.Error()
	var at *table.Error
	if errors.As(err, &at) && at.Message != "" && at.Nth >= 0 {
		nth, message = at.Nth, at.Message
	}
	return &predict.Error{Field: l.place(row, nth), Message: fmt.Sprintf("line %d: %s", l.line(row), message)}
}

// csvAnswer answers as CSV, without a header: a line a row, the label or the values, and behind a label all scores where they
// are asked for.
type csvAnswer struct {
	rows
	request *predict.Request
	row     int
}

// AppendPiece appends the next lines, some 64 KB of them.
func (a *csvAnswer) AppendPiece(dst []byte) (piece []byte, more bool) {
	b := a.request.Batch
	scores := -1
	if a.request.AllScores() {
		scores = b.Model().ScoresOutput()
	}
	for full := len(dst) + pieceBytes; a.row < b.Rows(); a.row++ {
		if len(dst) >= full {
			return dst, true
		}
		dst = table.AppendRow(dst, b, a.row, scores)
	}
	return dst, false
}

// Frame is how many bytes an answer has without any row.
func (a *csvAnswer) Frame() int { return 0 }
