package judge

import (
	"flag"
	"os"
	"testing"
)

// `make judge` asks for 4,000 runs a cell; the quick loop makes do with fewer, with fixed seeds.
var runs = flag.Int("runs", 100, "runs of each cell of the operating characteristic")

func TestOperatingCharacteristic(t *testing.T) {
	var outcomes []Outcome
	for k, e := range Characteristic() {
		o, err := Simulate(DefaultLimits(), e.Cell, *runs, uint64(k))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Holds(o); err != nil {
			t.Error(err)
		}
		outcomes = append(outcomes, o)
	}
	if err := WriteOutcomes(os.Stdout, outcomes); err != nil {
		t.Fatal(err)
	}
}
