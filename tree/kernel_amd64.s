//go:build !purego

#include "textflag.h"

// One step of one lane is four instructions. CMP leaves the carry where the row's key is below the node's, and ADC takes it into
// the place of the child.
//
//	SI row · DI nodes (heap: of this level) · R8-R15 lanes · AX free

#define HEAPSTEP(j) \
	MOVL 4(DI)(j*8), AX \
	MOVL (SI)(AX*4), AX \
	CMPL AX, (DI)(j*8)  \
	ADCL j, j

#define LINKSTEP(j) \
	MOVL 8(DI)(j*4), AX \
	MOVL (SI)(AX*4), AX \
	CMPL AX, (DI)(j*4)  \
	ADCL 16(DI)(j*4), j

// A leaf's key is 0xFF800001 and the leaf.
#define LINKLEAF(j) \
	MOVL (DI)(j*4), j       \
	SUBL $0xFF800001, j

#define EIGHT(STEP) \
	STEP(R8)  \
	STEP(R9)  \
	STEP(R10) \
	STEP(R11) \
	STEP(R12) \
	STEP(R13) \
	STEP(R14) \
	STEP(R15)

// HEAPDOWN goes from the group at BX to R8-R15, its leaves. CX, DX, DI are free.
#define HEAPDOWN(level, done) \
	MOVQ  0(BX), DI    \
	MOVQ  16(BX), CX   \
	MOVL  $64, DX      \
	MOVL  $0, R8       \
	MOVL  $1, R9       \
	MOVL  $2, R10      \
	MOVL  $3, R11      \
	MOVL  $4, R12      \
	MOVL  $5, R13      \
	MOVL  $6, R14      \
	MOVL  $7, R15      \
	TESTQ CX, CX       \
	JZ    done         \
level:                     \
	EIGHT(HEAPSTEP)    \
	ADDQ  DX, DI       \
	ADDQ  DX, DX       \
	DECQ  CX           \
	JNZ   level        \
done:

// LINKDOWN likewise. Every fourth level it looks whether all lanes are at a leaf, whose links are -1.
#define LINKDOWN(level, done) \
	MOVQ  0(BX), DI          \
	MOVQ  16(BX), CX         \
	MOVL  $0, R8             \
	MOVL  $1, R9             \
	MOVL  $6, R10            \
	MOVL  $7, R11            \
	MOVL  $12, R12           \
	MOVL  $13, R13           \
	MOVL  $18, R14           \
	MOVL  $19, R15           \
	TESTQ CX, CX             \
	JZ    done               \
level:                           \
	EIGHT(LINKSTEP)          \
	DECQ  CX                 \
	JZ    done               \
	TESTL $3, CX             \
	JNZ   level              \
	MOVL  16(DI)(R8*4), AX   \
	ANDL  16(DI)(R9*4), AX   \
	ANDL  16(DI)(R10*4), AX  \
	ANDL  16(DI)(R11*4), AX  \
	ANDL  16(DI)(R12*4), AX  \
	ANDL  16(DI)(R13*4), AX  \
	ANDL  16(DI)(R14*4), AX  \
	ANDL  16(DI)(R15*4), AX  \
	CMPL  AX, $-1            \
	JNE   level              \
done:                            \
	EIGHT(LINKLEAF)

// AHEAD asks for the first four levels of the group after the one at BX: for one row, trees of some depth come from beyond the nearest cache.
#define AHEAD(none) \
	CMPQ n+48(FP), $1    \
	JE   none            \
	CMPQ 16(BX), $5      \
	JLT  none            \
	MOVQ 24(BX), AX      \
	PREFETCHT0 0(AX)     \
	PREFETCHT0 64(AX)    \
	PREFETCHT0 128(AX)   \
	PREFETCHT0 192(AX)   \
	PREFETCHT0 256(AX)   \
	PREFETCHT0 320(AX)   \
	PREFETCHT0 384(AX)   \
	PREFETCHT0 448(AX)   \
	PREFETCHT0 512(AX)   \
	PREFETCHT0 576(AX)   \
	PREFETCHT0 640(AX)   \
	PREFETCHT0 704(AX)   \
	PREFETCHT0 768(AX)   \
	PREFETCHT0 832(AX)   \
	PREFETCHT0 896(AX)   \
none:

// ADDLEAVES adds the values of R8-R15 to X1, in that order.
#define ADDLEAVES \
	MOVQ  8(BX), DI       \
	ADDSS (DI)(R8*4), X1  \
	ADDSS (DI)(R9*4), X1  \
	ADDSS (DI)(R10*4), X1 \
	ADDSS (DI)(R11*4), X1 \
	ADDSS (DI)(R12*4), X1 \
	ADDSS (DI)(R13*4), X1 \
	ADDSS (DI)(R14*4), X1 \
	ADDSS (DI)(R15*4), X1

// ADDTOROW adds them to the row's sum, and goes on to the next row's.
#define ADDTOROW \
	MOVQ  sum-8(SP), AX       \
	MOVSS (AX), X1            \
	ADDLEAVES                 \
	MOVSS X1, (AX)            \
	ADDQ  accStride+8(FP), AX \
	MOVQ  AX, sum-8(SP)

#define STORELEAVES \
	MOVQ out+0(FP), AX   \
	MOVL R8, 0(AX)       \
	MOVL R9, 4(AX)       \
	MOVL R10, 8(AX)      \
	MOVL R11, 12(AX)     \
	MOVL R12, 16(AX)     \
	MOVL R13, 20(AX)     \
	MOVL R14, 24(AX)     \
	MOVL R15, 28(AX)     \
	ADDQ $32, AX         \
	MOVQ AX, out+0(FP)

// func heapSum(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)
TEXT ·heapSum(SB), NOSPLIT, $24-56
	MOVQ groups+40(FP), BX
	CMPQ rows+32(FP), $1
	JNE  group
	MOVQ  x+16(FP), SI // one row: its sum stays in X1
	MOVQ  acc+0(FP), AX
	MOVSS (AX), X1

single:
	AHEAD(last)
	HEAPDOWN(levelOfOne, doneOne)
	ADDLEAVES
	ADDQ  $24, BX
	DECQ  n+48(FP)
	JNZ   single
	MOVQ  acc+0(FP), AX
	MOVSS X1, (AX)
	RET

group:
	MOVQ acc+0(FP), AX
	MOVQ AX, sum-8(SP)
	MOVQ rows+32(FP), AX
	MOVQ AX, left-16(SP)
	MOVQ x+16(FP), SI
row:
	HEAPDOWN(level, done)
	ADDTOROW
	ADDQ xStride+24(FP), SI
	DECQ left-16(SP)
	JNZ  row
	ADDQ $24, BX
	DECQ n+48(FP)
	JNZ  group
	RET

// func linkedSum(acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups *group, n int)
TEXT ·linkedSum(SB), NOSPLIT, $24-56
	MOVQ groups+40(FP), BX
group:
	MOVQ acc+0(FP), AX
	MOVQ AX, sum-8(SP)
	MOVQ rows+32(FP), AX
	MOVQ AX, left-16(SP)
	MOVQ x+16(FP), SI
row:
	LINKDOWN(level, done)
	ADDTOROW
	ADDQ xStride+24(FP), SI
	DECQ left-16(SP)
	JNZ  row
	ADDQ $24, BX
	DECQ n+48(FP)
	JNZ  group
	RET

// func heapLeaf(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)
TEXT ·heapLeaf(SB), NOSPLIT, $0-40
	MOVQ x+8(FP), SI
	MOVQ from+32(FP), BX
row:
	HEAPDOWN(level, done)
	STORELEAVES
	ADDQ xStride+16(FP), SI
	DECQ rows+24(FP)
	JNZ  row
	RET

// func linkedLeaf(out, x unsafe.Pointer, xStride uintptr, rows int, from *group)
TEXT ·linkedLeaf(SB), NOSPLIT, $0-40
	MOVQ x+8(FP), SI
	MOVQ from+32(FP), BX
row:
	LINKDOWN(level, done)
	STORELEAVES
	ADDQ xStride+16(FP), SI
	DECQ rows+24(FP)
	JNZ  row
	RET

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
