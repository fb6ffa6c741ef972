package handler

import (
	"ml-service/handler/predict"
	"ml-service/model"
	"ml-service/onnx"
)

// needs tells what a request takes beside its body, by how many values came. It is worked out once.
type needs struct {
	model   *model.Model
	width   int64 // values a row
	open    bool  // of as many more as the caller likes
	texts   bool  // there are strings among them
	wire    int64 // bytes of the shortest value as a binary tensor
	outputs int64 // bytes of all outputs for a row, typed; an unknown dimension counts as 1
	scores  int64 // bytes of the scores of a row, for a value of it
	cores   int64
	beyond  int64 // bytes of a request for values in the graph whose sizes its rows do not tell
}

// pieceBytes is how much of an answer is encoded at once.
const pieceBytes = 64 << 10

func needsOf(m *model.Model, cores int64) needs {
	n := needs{model: m, cores: cores, wire: 8, beyond: m.Beyond()}
	if n.beyond > 0 {
		n.cores = 1
	}
	for _, in := range m.Inputs() {
		n.open = n.open || in.Width < 0
		n.width += int64(max(in.Width, 0))
		n.texts = n.texts || in.DType == onnx.String
		n.wire = min(n.wire, wireBytes(in.DType))
	}
	for i, out := range m.Outputs() {
		elements := int64(1)
		for _, d := range out.Shape[min(len(out.Shape), 1):] {
			elements *= int64(max(d, 1))
		}
		n.outputs += elements * int64(out.DType.HeldBytes())
		if i == m.ScoresOutput() {
			n.scores = elements*int64(out.DType.HeldBytes())/max(n.width, 1) + 1
		}
	}
	return n
}

// of is what a request takes whose text holds at most so many values. all says that its answer may be all outputs.
func (n *needs) of(elements, text int64, all bool) int64 {
	rows, columns := elements, int64(0)
	if n.width > 0 {
		rows = (elements + n.width - 1) / n.width
	}
	need := n.bytes(int(rows), 1, all)
	if n.open { // few rows of many values cost otherwise than many of one
		columns = elements
		need += n.bytes(1, int(columns), all)
	}
	if n.texts {
		need += text
	}
	return need + n.beyond + pieceBytes
}

// atMost is what a body of so many bytes for one of the codecs may need: every other byte may be a comma or the end of a line.
func (n *needs) atMost(bytes int64, codecs ...*predict.Codec) int64 {
	values := bytes + 1
	for _, c := range codecs {
		values = max(values, bytes+1+int64(c.MostAbsents(int(bytes))))
	}
	return n.of(values, bytes, false) + values*n.scores
}

func (n *needs) bytes(rows, columns int, all bool) int64 {
	need := n.model.Need(rows, columns)
	bytes := 2*need.Rows + need.Answer + need.Run*n.cores // the decoded rows grow by doubling
	if all {
		bytes += need.Others
	}
	return bytes
}

// wireBytes is what a value takes in a binary tensor; of a string, its length alone.
func wireBytes(d onnx.DType) int64 {
	switch d {
	case onnx.Bool, onnx.Int8, onnx.Uint8:
		return 1
	case onnx.Int16, onnx.Uint16:
		return 2
	case onnx.Uint64:
		return 8
	}
	return 4 // also of FP64 and INT64, since FP32 and INT32 are taken for them
}
