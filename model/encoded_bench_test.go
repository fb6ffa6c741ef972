package model

import (
	"fmt"
	"os"
	"testing"
)

// BenchmarkEncoded answers rows of a model with encoders of strings, whose categories it knows.
func BenchmarkEncoded(b *testing.B) {
	m, err := Load(os.DirFS("../onnx/testdata/models"), "titanic_logreg")
	if err != nil {
		b.Fatal(err)
	}
	for _, rows := range []int{1, 1000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			b.ReportAllocs()
			batch := m.Batch()
			defer batch.Release()
			for i := 0; b.Loop(); i++ {
				for k, in := range m.Inputs() {
					t := batch.Input(k)
					t.Resize(rows, 1)
					for r := range rows {
						switch in.Name {
						case "sex":
							t.Str[r] = []string{"male", "female"}[(r+i)%2]
						case "embarked":
							t.Str[r] = []string{"S", "C", "Q"}[(r+i)%3]
						case "pclass", "sibsp":
							t.I64[r] = int64((r+i)%3 + 1)
						default:
							t.F32[r] = float32((r + i) % 60)
						}
					}
				}
				if err := batch.Run(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
