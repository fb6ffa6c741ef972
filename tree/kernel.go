package tree

import "unsafe"

// maxSteps is about how many steps one call of the assembly, which nothing interrupts, may take: some 100 us.
const maxSteps = 1 << 17

// sum adds the values of the leaves that each row reaches to dst, stride words a row, tree by tree.
func sum[T Float](r *run[T], dst []T, stride int, x words[T], width, rows int) {
	var z T
	size := unsafe.Sizeof(z)
	if assembly {
		add := linkedSum32
		switch {
		case r.layout == heaped && wide[T]():
			add = heapSum64
		case r.layout == heaped:
			add = heapSum32
		case wide[T]():
			add = linkedSum64
		}
		for g := 0; g < len(r.groups); {
			steps := lanes * max(1, r.groups[g].depth) // a row's in one group
			most := min(rows, max(1, maxSteps/steps))
			n := max(1, min(len(r.groups)-g, maxSteps/(steps*most)))
			for i := 0; i < rows; i += most {
				add(unsafe.Pointer(&dst[i*stride]), uintptr(stride)*size, x.at(i*width), uintptr(width)*size, min(most, rows-i), &r.groups[g], n)
			}
			g += n
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
	if assembly {
		p, row, to := &r.groups[g], x.at(0), unsafe.Pointer(&leaves[0])
		switch {
		case r.layout == heaped && wide[T]():
			heapLeaf64(to, row, uintptr(width)*size, len(leaves), p)
		case r.layout == heaped:
			heapLeaf32(to, row, uintptr(width)*size, len(leaves), p)
		case wide[T]():
			linkedLeaf64(to, row, uintptr(width)*size, len(leaves), p)
		default:
			linkedLeaf32(to, row, uintptr(width)*size, len(leaves), p)
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
