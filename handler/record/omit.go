package record

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Field is what of a request or an answer is not recorded as it is.
type Field struct {
	Name string // of a feature or member at any depth, a position in a row, or body or answer as a whole
	Hash bool   // its values become hashes instead of being left out
}

// ParseFields reads "email,hash:customer,3,answer", a line of CSV: a name with a comma stands in quotes.
func ParseFields(text string) ([]Field, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace, r.LazyQuotes = true, true
	words, err := r.Read()
	if _, more := r.Read(); err != nil || more != io.EOF {
		return nil, errFields
	}
	var all []Field
	for _, word := range words {
		if word = strings.TrimSpace(word); word == "" {
			return nil, errFields
		}
		name, hash := strings.CutPrefix(word, "hash:")
		if name == "" || hash && (name == "body" || name == "answer") {
			return nil, errors.New("want hash: before the name of a feature, as hash:customer")
		}
		all = append(all, Field{name, hash})
	}
	return all, nil
}

var errFields = errors.New(`want names of features, positions, body or answer, separated by commas, as email,hash:customer,3,"a, b"`)

// Whole says whether everything is recorded as it is. Where it is not, a body that names its values otherwise than the fields
// do, as the tensors of the open protocol, must not be handed over.
func (l *Log) Whole() bool { return len(l.Omit) == 0 }

// hasher makes of equal values equal hashes, for as long as the process runs: its key is random, so that nobody can try values.
type hasher struct{ key [32]byte }

func newHasher() *hasher {
	var h hasher
	_, _ = rand.Read(h.key[:]) // it does not fail
	return &h
}

func (h *hasher) of(value any) string {
	text, _ := json.Marshal(value) // it came out of JSON
	mac := hmac.New(sha256.New, h.key[:])
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// without gives a text as it is recorded: null where all of it is omitted, or where it is not JSON, so that nothing can be
// found in it that should be left out.
func (l *Log) without(text []byte, whole string) json.RawMessage {
	if len(text) == 0 || slices.Contains(l.Omit, Field{whole, false}) {
		return nil
	}
	if len(l.Omit) == 0 {
		if !json.Valid(text) {
			return nil
		}
		return text
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil
	}
	clean, err := json.Marshal(l.clean(v, whole == "body"))
	if err != nil {
		return nil
	}
	return clean
}

// clean leaves out or hashes what is to be, of a body, whose rows are in x, or of an answer.
func (l *Log) clean(v any, body bool) any {
	all, ok := v.(map[string]any)
	x, rows := all["x"]
	if !body || !ok || !rows || l.field("x", -1) != nil {
		return cleaner{l, nil}.clean(v)
	}
	delete(all, "x")
	cleaner{l, nil}.clean(all)
	all["x"] = cleaner{l, l.Row}.clean(x)
	return all
}

// cleaner does it for a part. row are the names of a row's values; nil: it has no rows.
type cleaner struct {
	*Log
	row []string
}

// clean walks a value and leaves out or hashes what is to be.
func (l cleaner) clean(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "warnings") // they quote values, whoever's
		_, split := v["columns"]
		if split { // data, index and what else stands there have no names beside their values
			maps.DeleteFunc(v, func(name string, _ any) bool { return name != "columns" })
		}
		for name, inner := range v {
			nth := slices.Index(l.row, name)
			switch f := l.field(name, nth); {
			case f == nil && flat(inner) && (nth >= 0 || split):
				// a column, or the names of columns or rows: its positions are none of a row
			case f == nil:
				v[name] = l.clean(inner)
			case f.Hash:
				v[name] = l.hashed(inner)
			default:
				delete(v, name)
			}
		}
	case []any:
		row := slices.ContainsFunc(v, func(inner any) bool { return !nested(inner) })
		for k, inner := range v {
			name := ""
			if k < len(l.row) {
				name = l.row[k]
			}
			f := l.field(name, k)
			switch {
			case !row || f == nil:
				v[k] = l.clean(inner)
			case f.Hash:
				v[k] = l.hashed(inner)
			default:
				v[k] = nil // its place stays, so that the others keep theirs
			}
		}
	}
	return v
}

// flat says whether a value is a list of values: a row, or a column.
func flat(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) > 0 && !slices.ContainsFunc(list, nested)
}

func nested(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// hashed hashes a value, and of a list each element.
func (l *Log) hashed(v any) any {
	list, ok := v.([]any)
	if !ok {
		if n, number := v.(json.Number); number {
			v = spelt(n)
		}
		return l.hash.of(v)
	}
	for k := range list {
		list[k] = l.hashed(list[k])
	}
	return list
}

// spelt writes a number in one way, so that 7, 7.0 and 7e0 have one hash; whole numbers keep all their digits.
func spelt(n json.Number) json.Number {
	text := n.String()
	f, err := n.Float64()
	switch {
	case err != nil || f != 0 && !strings.ContainsAny(text, ".eE"):
		return n
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// field finds what is omitted by a name, whatever spaces are around it, or by a position in a row; below 0: it has none.
func (l *Log) field(name string, position int) *Field {
	at := strconv.Itoa(position)
	name = strings.TrimSpace(name)
	for k := range l.Omit {
		if n := l.Omit[k].Name; n == name && name != "" || n == at && position >= 0 {
			return &l.Omit[k]
		}
	}
	return nil
}
