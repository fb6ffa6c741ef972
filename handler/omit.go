package handler

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ml-service/handler/oip"
	"ml-service/handler/predict"
	"ml-service/handler/record"
	"ml-service/model"
)

// members of bodies and answers that RECORD_OMIT may name, whatever the model is.
var members = []string{"body", "answer", "x", "probabilities", "columns", "index", "data", "prediction", "predictions", "confidence", "outputs", "warnings", "version"}

// rowNames are the names of a row's values, in the order of the inputs; empty: one has none. nil: a row may be of any width.
func rowNames(m *model.Model) []string {
	var names []string
	for _, in := range m.Inputs() {
		switch {
		case in.Features != nil:
			names = append(names, in.Features...)
		case in.Width == 1 && len(m.Inputs()) > 1:
			names = append(names, in.Name)
		case in.Width < 0 || len(in.Row) > 1:
			return nil
		default:
			names = append(names, make([]string, in.Width)...)
		}
	}
	return names
}

// checkOmit holds RECORD_OMIT against the model. strangers are its names that are not the model's: they may be members of bodies, as
// user_id, or features of another version, so they are no error. A name that differs from a feature's by its case is one, for it
// leaves nothing out, unless the feature is named as well.
func (c *Config) checkOmit(m *model.Model) (strangers []string, err error) {
	omit, err := record.ParseFields(c.RecordOmit)
	if err != nil {
		return nil, err
	}
	row := rowNames(m)
	features := slices.Clone(row)
	for _, in := range m.Inputs() {
		features = append(features, in.Name)
	}
	for i, name := range features {
		features[i] = strings.TrimSpace(name)
	}
	known := slices.Concat(features, members, m.Classes())
	for _, v := range m.Outputs() {
		known = append(known, v.Name)
	}
	omitted := func(name string) bool {
		return slices.ContainsFunc(omit, func(f record.Field) bool { return f.Name == name })
	}
	for _, f := range omit {
		if slices.Contains(known, f.Name) {
			continue
		}
		if n, err := strconv.Atoi(f.Name); err == nil && (row == nil || n >= 0 && n < len(row)) {
			continue
		}
		same := slices.IndexFunc(features, func(name string) bool { return strings.EqualFold(name, f.Name) })
		if same >= 0 && !omitted(features[same]) {
			return nil, fmt.Errorf("want a feature as the model %s writes it, %q, got %q", m.Version(), features[same], f.Name)
		}
		strangers = append(strangers, f.Name)
	}
	return strangers, nil
}

// omittable lists for people what of a row RECORD_OMIT may name, the first of many.
func omittable(m *model.Model) string {
	const most = 20
	names := rowNames(m)
	n := len(names)
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	text := strings.Join(names[:min(len(names), most)], ", ")
	switch {
	case len(names) > most:
		text += fmt.Sprintf(", … (%d in all)", len(names))
	case len(names) == 0 && n > 0:
		text = fmt.Sprintf("0 to %d", n-1)
	case len(names) == 0:
		text = "positions"
	}
	return text
}

// withoutValues is what the log says of a refused request where RECORD_OMIT leaves values out: where, and what was wanted, without what
// was got.
func withoutValues(err error) string {
	var input *predict.Error
	var tensor *oip.Error
	switch {
	case errors.As(err, &input) && strings.HasPrefix(input.Message, "no such"): // the name is the caller's
		where, _, _ := strings.Cut(input.Field, ".")
		return where + ": no such name"
	case errors.As(err, &input) && input.Unwrap() != nil:
		return input.Field + ": the model refuses the value"
	case errors.As(err, &tensor) && tensor.Field != "":
		return tensor.Field + ": the model does not take it"
	}
	text := err.Error()
	for _, mark := range []string{", got ", "\""} {
		text, _, _ = strings.Cut(text, mark)
	}
	return strings.TrimRight(text, " [:")
}
