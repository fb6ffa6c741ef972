package scan

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var listReaders = map[string]listReader{"this machine's": readList, "every machine's": readScalar}

// listEnd follows the numbers of a test, so that the last of them has text behind it.
const listEnd = "], [0.5, 0.25, 0.125, 0.0625]]}"

// TestListReaders reads numbers as clients write them, all of which must be read and be what strconv makes of them.
func TestListReaders(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	styles := map[string]func() string{
		"shortest float32": func() string { return strconv.FormatFloat(float64(float32(random.NormFloat64())), 'f', -1, 32) },
		"float32 as float64": func() string { // as Python writes a list of float32
			return strconv.FormatFloat(float64(float32(0.1+random.Float64()*9)), 'f', -1, 64)
		},
		"float64":       func() string { return strconv.FormatFloat(0.01+random.Float64()*9, 'f', -1, 64) },
		"few digits":    func() string { return fmt.Sprintf("%.*f", 1+random.IntN(8), random.NormFloat64()) },
		"whole numbers": func() string { return strconv.Itoa(random.IntN(2_000_001) - 1_000_000) },
		"amounts":       func() string { return fmt.Sprintf("%.2f", random.Float64()*99_999) },
	}
	for name, read := range listReaders {
		for style, number := range styles {
			const rounds, row = 2000, 20
			left := 0
			for range rounds {
				texts := make([]string, row)
				for k := range texts {
					texts[k] = number()
				}
				separator := []string{",", ", "}[random.IntN(2)]
				buf := []byte("[" + strings.Join(texts, separator) + listEnd)
				left += row - checkList(t, read, buf, 1, texts)
			}
			if most := rounds * row / 200; left > most {
				t.Errorf("%s, %s: left %d of %d numbers, want at most %d", name, style, left, rounds*row, most)
			}
		}
	}
}

// checkList reads texts from buf[i] on and gives how many were read. They must be the nearest float32.
func checkList(t *testing.T, read listReader, buf []byte, i int, texts []string) int {
	t.Helper()
	dst := make([]float32, len(texts)+1)
	n, next, closed := read(dst[:len(texts)], buf, i)
	for k, f := range dst[:n] {
		want, err := strconv.ParseFloat(texts[k], 32)
		if err != nil || math.Float32bits(f) != math.Float32bits(float32(want)) {
			t.Fatalf("%s: number %d: got %v, want %v (%v)", buf, k, f, want, err)
		}
	}
	if dst[n] != 0 {
		t.Fatalf("%s: wrote %v behind the %d numbers it read", buf, dst[n], n)
	}
	if want := strings.Index(string(buf[next:]), texts[min(n, len(texts)-1)]); !closed && want != 0 {
		t.Fatalf("%s: read %d and stands at %q, want the next number", buf, n, buf[next:])
	}
	if closed && (n == 0 || !strings.HasSuffix(string(buf[:next]), texts[n-1])) {
		t.Fatalf("%s: read %d and stands behind %q, want the last number", buf, n, buf[:next])
	}
	return n
}

// TestListReadersRefuse gives each reader what it must leave or read exactly, in front of, between and behind plain numbers.
func TestListReadersRefuse(t *testing.T) {
	halves := []string{"16777217", "16777217.0", "16777217.00000000001", "16777216.99999999999", "0.50000002980232238769", "33554434", "33554435", "1.00000005960464477539"}
	unusual := append([]string{
		"", "-", "+1.0", ".5", "1.", "-.5", "01", "-01.5", "00.5", "1e5", "1.5e3", "1.5E-3", "0x10", "--1", "1-", "1.2.3", "null", "true", `"1"`, "[1]", "{}", "NaN", " 1", "\t1.5",
		"12345678901234567890", "123456789.123456789", "0.00000000000000000001234", "0.1234567890123456789012345678901234567890", "1234567.12345678901234567",
		"9999999999999999", "999999999999999", "99999999", "9999999", "-0", "-0.0", "0", "0.0", "1e400", "340282350000000000000000000000000000000", "1\xff", "\xb0.5",
	}, halves...)
	for name, read := range listReaders {
		for _, text := range unusual {
			for before := range 3 {
				for after := range 40 {
					texts := slices.Repeat([]string{"0.25"}, before)
					texts = append(texts, text)
					whole := "[" + strings.Join(texts, ",") + listEnd
					buf := []byte(whole)[:min(len(strings.Join(texts, ","))+1+after, len(whole))]
					dst := make([]float32, before+1)
					n, next, _ := read(dst, buf, 1)
					if n > before {
						read := strings.TrimPrefix(string(buf[:next]), "["+strings.Repeat("0.25,", before))
						read = strings.TrimPrefix(read, " ") // a blank is passed over
						want, err := strconv.ParseFloat(read, 32)
						if !json.Valid([]byte(read)) || err != nil || math.Float32bits(dst[before]) != math.Float32bits(float32(want)) {
							t.Errorf("%s: %s: took %q for %v, want %v", name, buf, read, dst[before], want)
						}
						if c := buf[next]; strings.ContainsRune("0123456789eE", rune(c)) {
							t.Errorf("%s: %s: stopped within %q", name, buf, text)
						}
					}
				}
			}
		}
	}
}

// TestListReadersStayInside ends the buffer within and behind a number whose text goes on in memory.
func TestListReadersStayInside(t *testing.T) {
	text := []byte("[0.125, 0.25, 0.3333333, 17, -0.1234567890123456, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0]")
	for name, read := range listReaders {
		for length := 1; length <= len(text); length++ {
			dst := make([]float32, 20)
			n, next, closed := read(dst, text[:length], 1)
			if next > length || next < 1 && n > 0 || closed && next >= length {
				t.Errorf("%s: of %q read %d numbers to byte %d, closed %v", name, text[:length], n, next, closed)
			}
			for _, f := range dst[n:] {
				if f != 0 {
					t.Errorf("%s: of %q read %d numbers and wrote %v", name, text[:length], n, dst)
				}
			}
		}
	}
}

func FuzzListReaders(f *testing.F) {
	f.Add([]byte("[0.5, -1.25,3,-0.1234567890123456789, 12345678.5]"))
	f.Add([]byte("0.000110000000000000000000,"))
	f.Add([]byte("1e5,0.5, 0.50000002980232238769,16777217]          "))
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, read := range listReaders {
			dst := make([]float32, 8)
			n, next, closed := read(dst, text, 0)
			rest := string(text[:next])
			if closed {
				rest += ","
			}
			for k, got := range dst[:n] {
				number, behind, found := strings.Cut(rest, ",")
				number = strings.TrimLeft(number, " ")
				want, err := strconv.ParseFloat(number, 32)
				if !found || err != nil || !json.Valid([]byte(number)) || math.Float32bits(got) != math.Float32bits(float32(want)) {
					t.Fatalf("%s: %q: number %d is %v, want %v of %q (%v)", name, text, k, got, want, number, err)
				}
				rest = behind
			}
			if strings.TrimLeft(rest, " ") != "" {
				t.Fatalf("%s: %q: read %d numbers and passed over %q", name, text, n, rest)
			}
		}
	})
}
