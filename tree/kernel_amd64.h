// What float32 and float64 have in common. Each says before it includes this
//
//	HEAPFIRST · HEAPNEXT · HEAPMORE(level)   go to the first level of the group at BX, to the next, and on while there is one
//	HEAPSTEP(j) · LINKSTEP(j)                one step of one lane
//	COLUMNSAHEAD                             ask for the columns of the first four levels of the group whose nodes are at AX
//	LINK(j) · LINKLEAF(j)                    where the link of a lane's node is; its leaf
//	LINK2 to LINK7                           the words of the roots of lanes 2 to 7; those of lanes 0 and 1 are 0 and 1
//	LOAD · ADDLEAF(j)                        move a sum; add the value of a leaf, of those at DI, to X1
//
//	SI row · DI nodes (heap: of this level) · R8-R15 lanes · AX free · CX, DX free but for HEAPFIRST to HEAPMORE and LINKDOWN

#define EIGHT(STEP) \
	STEP(R8)  \
	STEP(R9)  \
	STEP(R10) \
	STEP(R11) \
	STEP(R12) \
	STEP(R13) \
	STEP(R14) \
	STEP(R15)

// HEAPDOWN goes from the group at BX to R8-R15, its leaves.
#define HEAPDOWN(level, done) \
	MOVL  $0, R8        \
	MOVL  $1, R9        \
	MOVL  $2, R10       \
	MOVL  $3, R11       \
	MOVL  $4, R12       \
	MOVL  $5, R13       \
	MOVL  $6, R14       \
	MOVL  $7, R15       \
	CMPQ  16(BX), $0    \
	JEQ   done          \
	HEAPFIRST           \
level:                      \
	EIGHT(HEAPSTEP)     \
	HEAPNEXT            \
	HEAPMORE(level)     \
done:

// LINKDOWN likewise. Every fourth level it looks whether all lanes are at a leaf, whose links are -1.
#define LINKDOWN(level, done) \
	MOVQ  0(BX), DI     \
	MOVQ  16(BX), CX    \
	MOVL  $0, R8        \
	MOVL  $1, R9        \
	MOVL  $LINK2, R10   \
	MOVL  $LINK3, R11   \
	MOVL  $LINK4, R12   \
	MOVL  $LINK5, R13   \
	MOVL  $LINK6, R14   \
	MOVL  $LINK7, R15   \
	TESTQ CX, CX        \
	JZ    done          \
level:                      \
	EIGHT(LINKSTEP)     \
	DECQ  CX            \
	JZ    done          \
	TESTL $3, CX        \
	JNZ   level         \
	MOVL  LINK(R8), AX  \
	ANDL  LINK(R9), AX  \
	ANDL  LINK(R10), AX \
	ANDL  LINK(R11), AX \
	ANDL  LINK(R12), AX \
	ANDL  LINK(R13), AX \
	ANDL  LINK(R14), AX \
	ANDL  LINK(R15), AX \
	CMPL  AX, $-1       \
	JNE   level         \
done:                       \
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
	COLUMNSAHEAD         \
none:

// ADDLEAVES adds the values of R8-R15 to X1, in that order.
#define ADDLEAVES \
	MOVQ  8(BX), DI \
	EIGHT(ADDLEAF)

// ADDTOROW adds them to the row's sum, and goes on to the next row's.
#define ADDTOROW \
	MOVQ sum-8(SP), AX       \
	LOAD (AX), X1            \
	ADDLEAVES                \
	LOAD X1, (AX)            \
	ADDQ accStride+8(FP), AX \
	MOVQ AX, sum-8(SP)

// STORELEAVES writes R8-R15, and goes on to the next row's place.
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

// HEAPSUM and LINKEDSUM are the functions (acc unsafe.Pointer, accStride uintptr, x unsafe.Pointer, xStride uintptr, rows int, groups
// *group, n int) with 24 bytes of their own; HEAPLEAF and LINKEDLEAF are (out, x unsafe.Pointer, xStride uintptr, rows int, from *group).

#define HEAPSUM \
	MOVQ groups+40(FP), BX     \
	CMPQ rows+32(FP), $1       \
	JNE  group                 \
	MOVQ x+16(FP), SI          \ // one row: its sum stays in X1
	MOVQ acc+0(FP), AX         \
	LOAD (AX), X1              \
single:                            \
	AHEAD(last)                \
	HEAPDOWN(levelOfOne, doneOne) \
	ADDLEAVES                  \
	ADDQ $24, BX               \
	DECQ n+48(FP)              \
	JNZ  single                \
	MOVQ acc+0(FP), AX         \
	LOAD X1, (AX)              \
	RET                        \
	EACHGROUP(HEAPDOWN(level, done))

#define LINKEDSUM \
	MOVQ groups+40(FP), BX     \
	EACHGROUP(LINKDOWN(level, done))

#define EACHGROUP(DOWN) \
group:                             \
	MOVQ acc+0(FP), AX         \
	MOVQ AX, sum-8(SP)         \
	MOVQ rows+32(FP), AX       \
	MOVQ AX, left-16(SP)       \
	MOVQ x+16(FP), SI          \
row:                               \
	DOWN                       \
	ADDTOROW                   \
	ADDQ xStride+24(FP), SI    \
	DECQ left-16(SP)           \
	JNZ  row                   \
	ADDQ $24, BX               \
	DECQ n+48(FP)              \
	JNZ  group                 \
	RET

#define EACHROW(DOWN) \
	MOVQ x+8(FP), SI           \
	MOVQ from+32(FP), BX       \
row:                               \
	DOWN                       \
	STORELEAVES                \
	ADDQ xStride+16(FP), SI    \
	DECQ rows+24(FP)           \
	JNZ  row                   \
	RET

#define HEAPLEAF EACHROW(HEAPDOWN(level, done))
#define LINKEDLEAF EACHROW(LINKDOWN(level, done))
