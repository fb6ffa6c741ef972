package onnx

import (
	"math"
)

var matrixOperators = []operator{
	{name: "MatMul", since: 1, inputs: exactlyTwo, outputs: exactlyOne, rows: rowsOfProduct, work: workOfProduct, compile: matMul},
	{name: "Gemm", since: 7, until: 10, inputs: arity{3, 3}, outputs: exactlyOne, regresses: always, rows: rowsOfGemm, work: workOfProduct,
		attributes: []string{"alpha", "beta", "transA", "transB"}, compile: gemm},
	{name: "Gemm", since: 11, inputs: arity{2, 3}, outputs: exactlyOne, regresses: always, rows: rowsOfGemm, work: workOfProduct,
		attributes: []string{"alpha", "beta", "transA", "transB"}, compile: gemm},
}

// strided is a matrix in a flat slice: element (i, j) lies at i*row + j*column.
type strided[T element] struct {
	data        []T
	row, column int
}

// fused is x*y+sum with one rounding, as the processor's fused instruction gives it to ONNX Runtime. The product of two
// float32 is exact in float64, so every machine gives the same bits.
func fused[T float32 | float64](x, y, sum T) T {
	if single[T]() {
		return T(float64(x)*float64(y) + float64(sum))
	}
	return T(math.FMA(float64(x), float64(y), float64(sum)))
}

// matrixProduct writes a (m by k) times b (k by n) to dst, row-major. Each element is summed in the order of k, so that
// a row alone and the same row in a batch give the same bits.
func matrixProduct[T float32 | float64](dst []T, a, b strided[T], m, k, n int) {
	for i := range m {
		row := dst[i*n:][:n]
		j := 0
		for ; j+4 <= n && b.column == 1; j += 4 {
			var s0, s1, s2, s3 T
			x, y := i*a.row, j
			for range k {
				v, w := a.data[x], b.data[y:y+4:y+4]
				s0 = fused(v, w[0], s0)
				s1 = fused(v, w[1], s1)
				s2 = fused(v, w[2], s2)
				s3 = fused(v, w[3], s3)
				x, y = x+a.column, y+b.row
			}
			row[j], row[j+1], row[j+2], row[j+3] = s0, s1, s2, s3
		}
		for ; j < n; j++ {
			var s T
			x, y := i*a.row, j*b.column
			for range k {
				s = fused(a.data[x], b.data[y], s)
				x, y = x+a.column, y+b.row
			}
			row[j] = s
		}
	}
}

// matMul multiplies matrices, those that more dimensions number one by one, broadcast; a vector on the left is a row, on the right a
// column, and vanishes from the shape.
func matMul(n *node) (kernel, error) {
	if n.sameTypes(floats); n.err != nil {
		return nil, n.err
	}
	a, b := n.known(0), n.known(1)
	if n.err != nil {
		return nil, n.err
	}
	out, ok := productShape(nil, a, b)
	if !ok || len(out) > maxRank {
		return nil, n.invalid("shapes %s and %s do not fit", ShapeText(a), ShapeText(b))
	}
	n.set(0, n.in[0].dtype, append([]int{}, out...)...)
	if n.in[0].dtype == Float64 {
		return multiply[float64], nil
	}
	return multiply[float32], nil
}

// asMatrices splits the shape of a factor: the dimensions that number matrices, rows and columns.
func asMatrices(s []int, right bool) (numbers []int, rows, columns int) {
	switch {
	case len(s) > 1:
		return s[:len(s)-2], s[len(s)-2], s[len(s)-1]
	case right:
		return nil, s[0], 1
	default:
		return nil, 1, s[0]
	}
}

// productShape appends the shape of a product to dst; ok is false where the factors do not fit. Dimensions may be unknown.
func productShape(dst, a, b []int) (shape []int, ok bool) {
	if len(a) == 0 || len(b) == 0 {
		return nil, false
	}
	na, m, k := asMatrices(a, false)
	nb, l, n := asMatrices(b, true)
	if k != l && k >= 0 && l >= 0 {
		return nil, false
	}
	for i := range max(len(na), len(nb)) {
		x, y := dimBefore(na, nb, i), dimBefore(nb, na, i)
		switch {
		case x == y || y == 1:
		case x == 1 || x == -1:
			x = y
		case y != -1:
			return nil, false
		}
		dst = append(dst, x)
	}
	if len(a) > 1 {
		dst = append(dst, m)
	}
	if len(b) > 1 {
		dst = append(dst, n)
	}
	return dst, true
}

// dimBefore is dimension i of s as broadcast beside other: 1 where s has fewer dimensions.
func dimBefore(s, other []int, i int) int {
	if i -= max(0, len(other)-len(s)); i < 0 {
		return 1
	}
	return s[i]
}

func multiply[T float32 | float64](c *call) error {
	a, b := c.in[0], c.in[1]
	dims, ok := productShape(c.dims[:0], a.Shape, b.Shape)
	if !ok {
		return c.fault(-1, 0, "shapes %s and %s do not fit", ShapeText(a.Shape), ShapeText(b.Shape))
	}
	c.dims = dims
	if err := c.resize(c.out[0], c.dims...); err != nil {
		return err
	}
	na, m, k := asMatrices(a.Shape, false)
	nb, _, n := asMatrices(b.Shape, true)
	numbers := c.dims[:max(len(na), len(nb))]
	sa, sb := strides(numbers, na), strides(numbers, nb)
	dst, x, y := data[T](c.out[0]), data[T](a), data[T](b)
	var at [maxRank]int
	ia, ib := 0, 0
	for len(dst) > 0 {
		matrixProduct(dst[:m*n], strided[T]{x[ia*m*k:], k, 1}, strided[T]{y[ib*k*n:], n, 1}, m, k, n)
		dst = dst[m*n:]
		for d := len(numbers) - 1; d >= 0; d-- {
			at[d]++
			ia, ib = ia+sa[d], ib+sb[d]
			if at[d] < numbers[d] {
				break
			}
			ia, ib = ia-at[d]*sa[d], ib-at[d]*sb[d]
			at[d] = 0
		}
	}
	return nil
}

// gemm is alpha*A*B + beta*C, where A and B may be transposed and C is broadcast.
func gemm(n *node) (kernel, error) {
	if !n.has(2) {
		n.in = n.in[:2]
	}
	n.sameTypes(floats)
	g := gemmer{alpha: n.float("alpha", 1), beta: n.float("beta", 1), transA: n.flag("transA", 0), transB: n.flag("transB", 0)}
	if n.err != nil {
		return nil, n.err
	}
	a, b := n.in[0].shape, n.in[1].shape
	if len(a) != 2 || len(b) != 2 {
		return nil, n.unsupported([]string{"matrices"}, "shapes %s and %s", ShapeText(a), ShapeText(b))
	}
	m, k, l, w := g.sizes(a, b)
	if k >= 0 && l >= 0 && k != l {
		return nil, n.invalid("shapes %s and %s do not fit", ShapeText(a), ShapeText(b))
	}
	shape := []int{m, w}
	if n.has(2) {
		if joined, ok := broadcastShape(shape, n.in[2].shape); !ok || joined != nil && (len(joined) != 2 || w >= 0 && joined[1] != w) {
			return nil, n.invalid("input 2 has shape %s, which does not go with %s", ShapeText(n.in[2].shape), ShapeText(shape))
		}
	}
	n.set(0, n.in[0].dtype, shape...)
	if n.in[0].dtype == Float64 {
		return func(c *call) error { return runGemm[float64](c, g) }, nil
	}
	return func(c *call) error { return runGemm[float32](c, g) }, nil
}

type gemmer struct {
	alpha, beta    float32
	transA, transB bool
}

// sizes gives rows, the two inner widths, which must agree, and columns.
func (g gemmer) sizes(a, b []int) (m, k, l, n int) {
	m, k, l, n = a[0], a[1], b[0], b[1]
	if g.transA {
		m, k = k, m
	}
	if g.transB {
		l, n = n, l
	}
	return m, k, l, n
}

func runGemm[T float32 | float64](c *call, g gemmer) error {
	a, b := c.in[0], c.in[1]
	if len(a.Shape) != 2 || len(b.Shape) != 2 {
		return c.fault(-1, 0, "shapes %s and %s, want matrices", ShapeText(a.Shape), ShapeText(b.Shape))
	}
	m, k, l, n := g.sizes(a.Shape, b.Shape)
	if k != l {
		return c.fault(-1, 0, "shapes %s and %s do not fit", ShapeText(a.Shape), ShapeText(b.Shape))
	}
	out := c.out[0]
	if err := c.resize(out, m, n); err != nil {
		return err
	}
	x, y := strided[T]{data[T](a), k, 1}, strided[T]{data[T](b), n, 1}
	if g.transA {
		x.row, x.column = 1, m
	}
	if g.transB {
		y.row, y.column = 1, k
	}
	dst := data[T](out)
	matrixProduct(dst, x, y, m, k, n)
	if g.alpha != 1 {
		for i := range dst {
			dst[i] *= T(g.alpha)
		}
	}
	if len(c.in) < 3 || c.in[2] == nil {
		return nil
	}
	bias := c.in[2]
	if s := bias.Shape; len(s) > 2 || len(s) > 0 && s[len(s)-1] != 1 && s[len(s)-1] != n || len(s) == 2 && s[0] != 1 && s[0] != m {
		return c.fault(-1, 0, "input 2 has shape %s, which does not go with %s", ShapeText(s), ShapeText(out.Shape))
	}
	beta := T(g.beta)
	combine(out.Shape, dst, dst, out.Shape, data[T](bias), bias.Shape, func(v, b T) T { return fused(beta, b, v) })
	return nil
}
