//go:build !purego

#include "textflag.h"

// float64: keys are 64 bits, columns and links 32. A step is four instructions here too.

// CX are the columns of this level; which one is the last is seen by DX, the bytes of its columns.
#define HEAPSTEP(j) \
	MOVL (CX)(j*4), AX  \
	MOVQ (SI)(AX*8), AX \
	CMPQ AX, (DI)(j*8)  \
	ADCL j, j

#define HEAPFIRST \
	MOVQ 16(BX), CX       \
	MOVL $32, DX          \
	SHLQ CX, DX           \
	MOVQ DX, after-24(SP) \
	MOVQ 0(BX), DI        \
	LEAQ -64(DI)(DX*2), CX \
	MOVL $32, DX

#define HEAPNEXT \
	LEAQ (DI)(DX*2), DI \
	ADDQ DX, CX         \
	ADDQ DX, DX

#define HEAPMORE(level) \
	CMPQ DX, after-24(SP) \
	JNE  level

#define COLUMNSAHEAD \
	MOVQ 40(BX), CX      \
	MOVL $64, DX         \
	SHLQ CX, DX          \
	ADDQ DX, AX          \
	PREFETCHT0 -64(AX)   \
	PREFETCHT0 0(AX)     \
	PREFETCHT0 64(AX)    \
	PREFETCHT0 128(AX)   \
	PREFETCHT0 192(AX)   \
	PREFETCHT0 256(AX)   \
	PREFETCHT0 320(AX)   \
	PREFETCHT0 384(AX)

#define LINKSTEP(j) \
	MOVL 16(DI)(j*8), AX \
	MOVQ (SI)(AX*8), AX  \
	CMPQ AX, (DI)(j*8)   \
	ADCL LINK(j), j

#define LINK(j) 20(DI)(j*8)
#define LINK2 4
#define LINK3 5
#define LINK4 8
#define LINK5 9
#define LINK6 12
#define LINK7 13

// The low half of a leaf's key is 1 and the leaf.
#define LINKLEAF(j) \
	MOVL (DI)(j*8), j \
	SUBL $1, j

#define LOAD MOVSD
#define ADDLEAF(j) ADDSD (DI)(j*8), X1

#include "kernel_amd64.h"

// func heapSum64(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)
TEXT ·heapSum64(SB), NOSPLIT, $24-56
	HEAPSUM

// func linkedSum64(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)
TEXT ·linkedSum64(SB), NOSPLIT, $24-56
	LINKEDSUM

// func heapLeaf64(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)
TEXT ·heapLeaf64(SB), NOSPLIT, $24-40
	HEAPLEAF

// func linkedLeaf64(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)
TEXT ·linkedLeaf64(SB), NOSPLIT, $24-40
	LINKEDLEAF

// func keys64(dst, x unsafe.Pointer, twos int, sign uint64)
TEXT ·keys64(SB), NOSPLIT, $0-32
	MOVQ   dst+0(FP), DI
	MOVQ   x+8(FP), SI
	MOVQ   twos+16(FP), CX
	MOVQ   sign+24(FP), AX
	MOVQ   AX, X4
	PUNPCKLQDQ X4, X4
	MOVQ   $0x7FFFFFFFFFFFFFFF, AX
	MOVQ   AX, X5
	PUNPCKLQDQ X5, X5
	XORPS  X6, X6
	TESTQ  CX, CX
	JZ     end

next:
	MOVUPD (SI), X0
	XORPD  X4, X0
	ADDPD  X6, X0          // -0 becomes 0
	MOVAPD X0, X2
	CMPPD  X0, X2, $7      // all ones, but zero for NaN
	PSHUFD $0xF5, X0, X1   // the high half of each number twice
	PSRAL  $31, X1
	PANDN  X5, X1          // 0x7FFFFFFFFFFFFFFF where the sign is +
	PXOR   X1, X0
	PAND   X2, X0
	MOVUPD X0, (DI)
	ADDQ   $16, SI
	ADDQ   $16, DI
	DECQ   CX
	JNZ    next

end:
	RET
