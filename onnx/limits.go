package onnx

// A model file is untrusted. These limits keep what one file can cost in proportion to its size;
// they lie far above what exporters write.
const (
	maxFile       = 256 << 20 // bytes
	maxNodes      = 1 << 14   // nodes of the graph
	maxAttributes = 1 << 16   // attributes of all nodes together
	maxValues     = 1 << 16   // inputs, outputs, initializers and value infos together
	maxNodeValues = 1 << 10   // inputs or outputs of one node
	maxMetadata   = 1 << 12   // entries of metadata_props
	maxName       = 1 << 12   // bytes of a name
	maxRank       = 8         // dimensions of a tensor
	maxTensor     = 1 << 27   // elements of a tensor, at load and while running
	maxRow        = 1 << 20   // elements that all values of the graph together hold for one row
	maxFolded     = 1 << 20   // elements of constants that are computed at load
	maxWork       = 1 << 23   // elements read and written, or multiplications, for computing them
	maxOutputs    = 1 << 8    // outputs of the graph
	maxDepth      = 8         // graphs inside of graphs, and functions inside of functions
	maxTrees      = 1 << 18   // trees of one ensemble
)

// volume is the product of dims, refusing negative dims and products over maxTensor.
func volume(dims []int) (int, bool) {
	n, ok := int64(1), true
	for _, d := range dims {
		if d < 0 || d > maxTensor {
			return 0, false
		}
		if n *= int64(d); n > maxTensor {
			ok, n = false, maxTensor
		}
	}
	if ok {
		return int(n), true
	}
	for _, d := range dims {
		if d == 0 {
			return 0, true
		}
	}
	return 0, false
}
