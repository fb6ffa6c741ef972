package onnx_test

import (
	"fmt"
	"os"

	"ml-service/onnx"
)

// A model is loaded once; each goroutine that predicts has a session of its own.
func ExampleLoad() {
	data, err := os.ReadFile("../models/v1.0.0/model.onnx")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := onnx.Load(data)
	if err != nil {
		fmt.Println(err) // which operator at which node is not supported, and what to do
		return
	}
	for _, v := range m.Inputs() {
		fmt.Println("input", v.Name, v.DType, onnx.ShapeText(v.Shape))
	}

	s := m.NewSession()
	x := s.Input(0)
	x.Resize(2, 3) // two rows
	copy(x.F32, []float32{0.4, -0.2, 0.1, -1.5, -0.8, 0.3})
	if err := s.Run(); err != nil {
		fmt.Println(err) // a *onnx.RunError says which element is refused
		return
	}
	for i, v := range m.Outputs() {
		fmt.Printf("output %s %d %.3f\n", v.Name, s.Output(i).I64, s.Output(i).F32)
	}
	// Output:
	// input x float32 [N,3]
	// output label [1 1] []
	// output probabilities [] [0.397 0.603 0.040 0.960]
}
