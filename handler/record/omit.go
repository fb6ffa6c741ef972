package record

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Field is what of a request or an answer is not recorded as it is.
type Field struct {
	Name string // of a feature or member at any depth, a position in a row, or body or answer as a whole
	Hash bool   // its values become hashes instead of being left out
}

// ParseFields reads "email,hash:customer,3,answer".
func ParseFields(text string) ([]Field, error) {
	var all []Field
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			if strings.TrimSpace(text) == "" {
				return nil, nil
			}
			return nil, errors.New("want names of features, positions, body or answer, separated by commas, as email,hash:customer,3")
		}
		name, hash := strings.CutPrefix(word, "hash:")
		if name == "" || hash && (name == "body" || name == "answer") {
			return nil, fmt.Errorf("want hash: before the name of a feature, got %q", word)
		}
		all = append(all, Field{name, hash})
	}
	return all, nil
}

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
	clean, err := json.Marshal(l.clean(v))
	if err != nil {
		return nil
	}
	return clean
}

// clean walks a value and leaves out or hashes what is to be.
func (l *Log) clean(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "warnings") // they quote values, whoever's
		if _, split := v["columns"]; split {
			delete(v, "data") // its values have no names beside them
		}
		for name, inner := range v {
			switch f := l.field(name); {
			case f == nil:
				v[name] = l.clean(inner)
			case f.Hash:
				v[name] = l.hashed(inner)
			default:
				delete(v, name)
			}
		}
	case []any:
		row := len(v) > 0 && !nested(v[0])
		for k, inner := range v {
			f := l.field(strconv.Itoa(k))
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
		return l.hash.of(v)
	}
	for k := range list {
		list[k] = l.hashed(list[k])
	}
	return list
}

func (l *Log) field(name string) *Field {
	for k := range l.Omit {
		if l.Omit[k].Name == name {
			return &l.Omit[k]
		}
	}
	return nil
}
