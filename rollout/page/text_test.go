package page

import (
	"strings"
	"testing"
	"time"
)

// TestText draws the same in text.
func TestText(t *testing.T) {
	p := newPlace(t, nil)
	p.begin()
	for range 2 {
		p.page.looker.Read(t.Context())
		time.Sleep(30 * time.Millisecond) // the readings' own pace
	}
	var b strings.Builder
	if err := p.page.looker.Look(t.Context()).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	wantIn(t, b.String(), "A release from blue to green is under way: blue 90 %, green 10 %.", strings.Repeat("█", 54)+strings.Repeat("░", 6)+"  █ blue  ░ green", "P99", "9.82 ms")
	p.rolledBack()
	b.Reset()
	if err := p.page.looker.Look(t.Context()).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	wantIn(t, b.String(), strings.Repeat("█", 60), "green fails more often", "rolled back")
}
