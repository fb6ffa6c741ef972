package tree

import "unsafe"

// sum adds the values of the leaves that each row reaches to dst, stride words a row, tree by tree.
func sum[T Float](r *run[T], dst []T, stride int, x words[T], width, rows int) {
	var z T
	size := unsafe.Sizeof(z)
	acc, row := unsafe.Pointer(&dst[0]), x.at(0)
	if assembly && size == 4 {
		if r.layout == heaped {
			heapSum(acc, uintptr(stride)*size, row, uintptr(width)*size, rows, &r.groups[0], len(r.groups))
		} else {
			linkedSum(acc, uintptr(stride)*size, row, uintptr(width)*size, rows, &r.groups[0], len(r.groups))
		}
		return
	}
	var leaves [lanes]uint32
	for i := range rows {
		p := x.at(i * width)
		for g := range r.groups {
			descendRow[T](r.layout, &r.groups[g], &leaves, p)
			for _, leaf := range leaves {
				dst[i*stride] += *(*T)(unsafe.Add(r.groups[g].values, uintptr(leaf)*size))
			}
		}
	}
}

// descend finds the leaf of each lane for each row.
func descend[T Float](r *run[T], g int, leaves [][lanes]uint32, x words[T], width int) {
	var z T
	size := unsafe.Sizeof(z)
	if assembly && size == 4 {
		p, row, to := &r.groups[g], x.at(0), unsafe.Pointer(&leaves[0])
		if r.layout == heaped {
			heapLeaf(to, row, uintptr(width)*size, len(leaves), p)
		} else {
			linkedLeaf(to, row, uintptr(width)*size, len(leaves), p)
		}
		return
	}
	for i := range leaves {
		descendRow[T](r.layout, &r.groups[g], &leaves[i], x.at(i*width))
	}
}

func descendRow[T Float](l layout, g *group, out *[lanes]uint32, x unsafe.Pointer) {
	if l == heaped {
		heapRow[T](out, x, g.nodes, g.depth)
	} else {
		linkedRow[T](out, x, g.nodes, g.depth)
	}
}
