package compare

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Row is one request for both sides, and the right answers where they are known.
type Row struct {
	Body  json.RawMessage
	Known []json.RawMessage // by row of a batch; nil: not known
	Where string            // file and line, for people
}

// mostLine is the longest line of a file of rows.
const mostLine = 16 << 20

// ReadFile reads the rows of a file, or of every .jsonl file of a folder, as a record is.
func ReadFile(path string) ([]Row, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.jsonl")); err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("%s: no .jsonl file in it", path)
		}
		slices.Sort(files)
	}
	var all []Row
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		rows, err := Read(f, name)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no rows in it", path)
	}
	return all, nil
}

// Read reads rows: a golden.json, or JSON lines that are bodies of POST /predict ({"x":…}, with the right answer as "y"
// where it is known) or lines of the service's record ({"route":"/predict","body":{"x":…}}).
func Read(r io.Reader, name string) ([]Row, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	if golden, rows, err := readGolden(lines, name); golden || err != nil {
		return rows, err
	}
	var all []Row
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, mostLine)
	for n := 1; scanner.Scan(); n++ {
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		row, ok, err := readRow(text)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
		if ok {
			row.Where = fmt.Sprintf("%s:%d", filepath.Base(name), n)
			all = append(all, row)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// readGolden reads a golden.json, which is told by its first member's name or a line break after the brace.
func readGolden(r *bufio.Reader, name string) (bool, []Row, error) {
	head, _ := r.Peek(r.Size()) // what there is of it
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if whole && json.Valid(line) || len(bytes.TrimSpace(head)) == 0 || !bytes.Contains(head, []byte(`"rows"`)) {
		return false, nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		return true, nil, fmt.Errorf("%s: %w", name, err)
	}
	var golden struct{ Rows []json.RawMessage }
	if err := json.Unmarshal(text, &golden); err != nil {
		return true, nil, fmt.Errorf("%s: %w", name, err)
	}
	var all []Row
	for k, body := range golden.Rows {
		all = append(all, Row{Body: body, Where: fmt.Sprintf("%s row %d", filepath.Base(name), k)})
	}
	return true, all, nil
}

// recorded gives the members of a body of POST /predict in the record; one without x was refused, and is again by whoever gets it.
func recorded(route, body json.RawMessage) (members map[string]json.RawMessage, ok bool) {
	var name string
	if json.Unmarshal(route, &name) != nil || name != "/predict" || json.Unmarshal(body, &members) != nil {
		return nil, false
	}
	return members, members["x"] != nil
}

// readRow reads one line; false: it is a line of the record that is no request of POST /predict, or left its body out.
func readRow(text []byte) (Row, bool, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return Row{}, false, fmt.Errorf(`want {"x":…}, with "y" where the answer is known, or a line of the record: %w`, err)
	}
	known := members["y"]
	if body, ok := members["body"]; ok {
		inner, ok := recorded(members["route"], body)
		if !ok {
			return Row{}, false, nil
		}
		members = inner
	}
	if members["x"] == nil {
		return Row{}, false, errors.New(`no "x" in it`)
	}
	delete(members, "y")
	body, err := json.Marshal(members)
	if err != nil {
		return Row{}, false, err
	}
	row := Row{Body: body}
	if known != nil && !bytes.Equal(known, []byte("null")) {
		if json.Unmarshal(known, &row.Known) != nil {
			row.Known = []json.RawMessage{known}
		}
	}
	return row, true, nil
}
