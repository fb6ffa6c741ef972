//go:build !purego

#include "textflag.h"

// float32: keys, columns and links are 32 bits each. One step of one lane is four instructions. CMP leaves the carry where the row's key is
// below the node's, and ADC takes it into the place of the child.

#define HEAPSTEP(j) \
	MOVL 4(DI)(j*8), AX \
	MOVL (SI)(AX*4), AX \
	CMPL AX, (DI)(j*8)  \
	ADCL j, j

#define HEAPFIRST \
	MOVQ 0(BX), DI  \
	MOVQ 16(BX), CX \
	MOVL $64, DX

#define HEAPNEXT \
	ADDQ DX, DI \
	ADDQ DX, DX

#define HEAPMORE(level) \
	DECQ CX    \
	JNZ  level

#define COLUMNSAHEAD // they lie beside the keys

#define LINKSTEP(j) \
	MOVL 8(DI)(j*4), AX \
	MOVL (SI)(AX*4), AX \
	CMPL AX, (DI)(j*4)  \
	ADCL LINK(j), j

#define LINK(j) 16(DI)(j*4)
#define LINK2 6
#define LINK3 7
#define LINK4 12
#define LINK5 13
#define LINK6 18
#define LINK7 19

// A leaf's key is 0xFF800001 and the leaf.
#define LINKLEAF(j) \
	MOVL (DI)(j*4), j   \
	SUBL $0xFF800001, j

#define LOAD MOVSS
#define ADDLEAF(j) ADDSS (DI)(j*4), X1

#include "kernel_amd64.h"

// func heapSum32(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)
TEXT ·heapSum32(SB), NOSPLIT, $24-56
	HEAPSUM

// func linkedSum32(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)
TEXT ·linkedSum32(SB), NOSPLIT, $24-56
	LINKEDSUM

// func heapLeaf32(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)
TEXT ·heapLeaf32(SB), NOSPLIT, $24-40
	HEAPLEAF

// func linkedLeaf32(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)
TEXT ·linkedLeaf32(SB), NOSPLIT, $24-40
	LINKEDLEAF

// func keys32(dst, x unsafe.Pointer, fours int, sign uint32)
TEXT ·keys32(SB), NOSPLIT, $0-28
	MOVQ   dst+0(FP), DI
	MOVQ   x+8(FP), SI
	MOVQ   fours+16(FP), CX
	MOVL   sign+24(FP), AX
	MOVL   AX, X4
	PSHUFL $0, X4, X4
	MOVL   $0x7FFFFFFF, AX
	MOVL   AX, X5
	PSHUFL $0, X5, X5
	XORPS  X6, X6
	TESTQ  CX, CX
	JZ     end

next:
	MOVUPS (SI), X0
	XORPS  X4, X0
	ADDPS  X6, X0     // -0 becomes 0
	MOVAPS X0, X1
	MOVAPS X0, X2
	CMPPS  X0, X2, $7 // all ones, but zero for NaN
	PSRAL  $31, X1
	PANDN  X5, X1     // 0x7FFFFFFF where the sign is +
	PXOR   X1, X0
	PAND   X2, X0
	MOVUPS X0, (DI)
	ADDQ   $16, SI
	ADDQ   $16, DI
	DECQ   CX
	JNZ    next

end:
	RET
