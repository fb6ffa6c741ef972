package model_test

import (
	"fmt"
	"log"
	"os"

	"ml-service/model"
)

// A batch of two rows through a classifier.
func Example() {
	m, err := model.Load(os.DirFS("../models"), "v1.0.0")
	if err != nil {
		log.Fatal(err)
	}
	b := m.Batch()
	defer b.Release()
	x := b.Input(0)
	x.Resize(2, 3)
	copy(x.F32, []float32{0.4, -0.2, 0.1, 1, 2, 3})
	if err := b.Run(nil); err != nil {
		fmt.Println(err)
		return
	}
	for row := range b.Rows() {
		fmt.Printf("%d %.3f\n", b.Label().I64[row], b.Class(row).Confidence)
	}
	// Output:
	// 1 0.603
	// 0 0.999
}
