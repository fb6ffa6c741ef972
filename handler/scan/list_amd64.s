//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Sixteen bytes of it, from byte e on, shuffle e bytes to the right end; from byte 16+k on, they drop the first k.
// Where a shuffle has its high bit set, it gives 0.
DATA right<>+0(SB)/8, $0xc0c0c0c0c0c0c0c0
DATA right<>+8(SB)/8, $0xc0c0c0c0c0c0c0c0
DATA right<>+16(SB)/8, $0x0706050403020100
DATA right<>+24(SB)/8, $0x0f0e0d0c0b0a0908
DATA right<>+32(SB)/8, $0xc0c0c0c0c0c0c0c0
DATA right<>+40(SB)/8, $0xc0c0c0c0c0c0c0c0
GLOBL right<>(SB), RODATA|NOPTR, $48

// Sixteen bytes of it, from byte f on: -1 for all but the last f, so that what stands before the point closes the gap.
DATA point<>+0(SB)/8, $0xffffffffffffffff
DATA point<>+8(SB)/8, $0xffffffffffffffff
DATA point<>+16(SB)/8, $0
DATA point<>+24(SB)/8, $0
GLOBL point<>(SB), RODATA|NOPTR, $32

// SIXTEEN is a constant of sixteen bytes, the same eight twice.
#define SIXTEEN(name, eight) \
	DATA name<>+0(SB)/8, $eight; \
	DATA name<>+8(SB)/8, $eight; \
	GLOBL name<>(SB), RODATA|NOPTR, $16

SIXTEEN(zeros, 0x3030303030303030)
SIXTEEN(nines, 0x0909090909090909)
SIXTEEN(tens, 0x010a010a010a010a)
SIXTEEN(hundreds, 0x0001006400010064)
SIXTEEN(tenThousands, 0x0001271000012710)

// SCAN turns the text in X0 into digits, with 0 for what is none. The bits of AX say what is none; all from 16 on are set.
#define SCAN \
	PSUBB X8, X0    \
	MOVO X0, X1     \
	PMINUB X9, X1   \
	PCMPEQB X0, X1  \
	PAND X1, X0     \
	PMOVMSKB X1, AX \
	NOTL AX

// MANTISSA is the number that the digits of X0 write, with X1 and X2 from right and point. CX is lost.
#define MANTISSA \
	PADDB X2, X1          \
	PSHUFB X1, X0         \
	PMADDUBSW X10, X0     \
	PMADDWL X11, X0       \
	PACKSSLW X0, X0       \
	PMADDWL X12, X0       \
	MOVQ X0, AX           \
	MOVL AX, CX           \
	IMULQ $100000000, CX  \
	SHRQ $32, AX          \
	ADDQ CX, AX

// func readVector(dst []float32, buf []byte, i int) (n, next int, closed bool)
//
//	DI dst · R8 len(dst) · R11 n
//	R10 the number · R9 the last place with 16 bytes of buf behind it · SI how many of X0 are in buf
//	BX 1: negative · CX where its point is · R12 where it ends · R13 digits behind the point
//	DX inversePowers · R14 right · R15 point · X8-X12 constants · AX X0-X2 free
TEXT ·readVector(SB), NOSPLIT, $0-73
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), R8
	XORL R11, R11
	MOVQ buf_base+24(FP), R10
	MOVQ buf_len+32(FP), R9
	CMPQ R9, $16
	JLT none
	LEAQ -16(R10)(R9*1), R9
	ADDQ i+48(FP), R10
	MOVOU zeros<>(SB), X8
	MOVOU nines<>(SB), X9
	MOVOU tens<>(SB), X10
	MOVOU hundreds<>(SB), X11
	MOVOU tenThousands<>(SB), X12
	LEAQ right<>(SB), R14
	LEAQ point<>(SB), R15
	LEAQ ·inversePowers(SB), DX
	MOVL $16, SI

number:
	CMPQ R10, R9
	JGT tail
	MOVOU (R10), X0
loaded:
	SCAN
	MOVL AX, BX
	ANDL $1, BX
	ANDL $-2, AX
	TZCNTL AX, CX
	LEAL -1(AX), R12
	ANDL AX, R12
	TZCNTL R12, R12
	CMPL CX, SI
	JGE open
	MOVL BX, R13
	NEGL R13
	MOVBLZX (R10), AX
	XORL $'-', AX
	ANDL R13, AX // not 0: begins with neither a digit nor a minus
	JNZ open
	MOVL CX, AX
	SUBL BX, AX
	CMPL AX, $1
	JNE longer
whole:
	CMPB (R10)(CX*1), $'.'
	JNE integer
	MOVL R12, R13
	SUBL CX, R13
	DECL R13
	JZ open
	CMPL R12, SI
	JGE extended
	MOVOU (R14)(R12*1), X1
	MOVOU (R15)(R13*1), X2
	MANTISSA
scale:
	XORPS X0, X0
	CVTSQ2SD AX, X0
	MULSD (DX)(R13*8), X0
	MOVQ X0, AX
	ANDL $0x1fffffff, AX
	SUBL $((1<<28)-const_tailUnits), AX // as nearMiddle
	CMPL AX, $(2*const_tailUnits)
	JLS open
	CVTSD2SS X0, X0
	MOVL X0, AX
	SHLL $31, BX
	ORL BX, AX
	ADDQ R10, R12 // the number's end
	MOVBLZX (R12), CX
	CMPL CX, $','
	JNE last
	MOVL AX, (DI)(R11*4)
	INCQ R11
	CMPQ R11, R8
	JEQ closed
	LEAQ 1(R12), R10
	CMPQ R10, R9
	JGT tail
	CMPB (R10), $' '
	JNE number
	INCQ R10
	JMP number

longer: // than one digit before the point, of which the first is not 0; or none
	JLT open
	CMPB (R10)(BX*1), $'0'
	JEQ open
	JMP whole

integer:
	MOVL CX, R12
	XORL R13, R13
	MOVOU 1(R14)(R12*1), X1
	MOVOU (R15), X2
	MANTISSA
	JMP scale

extended: // its digits go on behind these 16 bytes, where they no longer count if it is large enough
	LEAQ 16(R10), AX
	CMPQ AX, R9
	JGT open
	MOVL $15, R13
	SUBL CX, R13
	MOVOU 16(R14), X1
	MOVOU (R15)(R13*1), X2
	MANTISSA
	MOVQ $const_longMantissa, CX
	CMPQ AX, CX
	JLT open
	MOVQ AX, CX
	MOVOU 16(R10), X0
	SCAN
	TZCNTL AX, R12
	MOVQ CX, AX
	CMPL R12, $16
	JGE open
	ADDL $16, R12
	JMP scale

tail: // fewer than 16 bytes are left: the last 16, moved to the left end
	MOVQ R10, AX
	SUBQ R9, AX
	CMPQ AX, $16
	JGE open
	CMPB (R10), $' '
	JNE nearly
	INCQ R10
	INCQ AX
	CMPQ AX, $16
	JGE open
nearly:
	MOVL $16, SI
	SUBL AX, SI
	MOVOU (R9), X0
	MOVOU 16(R14)(AX*1), X1
	PSHUFB X1, X0
	JMP loaded

last: // what stands behind the number is not a comma
	ORL $0x20, CX
	CMPL CX, $'e'
	JEQ open
	MOVL AX, (DI)(R11*4)
	INCQ R11
closed:
	MOVB $1, closed+72(FP)
	MOVQ R12, R10
	JMP done
none:
	ADDQ i+48(FP), R10
open:
	MOVB $0, closed+72(FP)
done:
	SUBQ buf_base+24(FP), R10
	MOVQ R11, n+56(FP)
	MOVQ R10, next+64(FP)
	RET
