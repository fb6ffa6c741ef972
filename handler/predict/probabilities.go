package predict

import (
	"strconv"

	"ml-service/handler/scan"
	"ml-service/onnx"
)

// readProbabilities reads the member "probabilities".
func (r *Request) readProbabilities() error {
	s := &r.scan
	if r.told {
		return &Error{Field: "probabilities", Message: scan.ErrTwice.Error()}
	}
	r.told = true
	switch s.Peek() {
	case 't':
		if err := s.Word("true"); err != nil {
			return err
		}
		return r.AskProbabilities()
	case 'f':
		return s.Word("false")
	case 'n':
		return s.Word("null")
	}
	return &Error{Field: "probabilities", Message: "want true or false, got " + s.Got()}
}

// AskProbabilities has the answer to each row hold all scores of the classifier, unrounded; probabilities lie in [0, 1]. It is called between Decode, which
// forgets it, and Run. A model without scores is an *Error.
func (r *Request) AskProbabilities() error {
	scores := r.codec.model.ScoresOutput()
	if scores < 0 {
		return &Error{Field: "probabilities", Message: "want it of a classifier with scores; the model is a " + r.codec.model.Kind().String() + " without them"}
	}
	r.probabilities = true
	r.Batch.Keep(scores)
	return nil
}

// appendProbabilities appends the scores of a row by class; by column, where the classes are not known.
func (r *Request) appendProbabilities(dst []byte, row int) []byte {
	t := r.Batch.Output(r.codec.model.ScoresOutput())
	width := t.Shape[1]
	distribution := r.Batch.Class(row).Confidence >= 0 // a sum of float32 leaves may be 1.0000004
	dst = append(dst, `,"probabilities":{`...)
	for k := range width {
		if k > 0 {
			dst = append(dst, ',')
		}
		if len(r.codec.classes) == width {
			dst = append(dst, r.codec.classes[k]...)
		} else {
			dst = append(strconv.AppendInt(append(dst, '"'), int64(k), 10), '"', ':')
		}
		score, bits := 0.0, 64
		if i := row*width + k; t.DType == onnx.Float32 {
			score, bits = float64(t.F32[i]), 32
		} else {
			score = t.F64[i]
		}
		if distribution {
			score = min(max(score, 0), 1)
		}
		dst = scan.AppendFloat(dst, score, bits)
	}
	return append(dst, '}')
}
