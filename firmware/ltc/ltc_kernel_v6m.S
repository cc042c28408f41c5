/*
 * ltc_gather() and ltc_advance() for ARMv6-M, with the bits of ltc_kernel.c. Zero wait states,
 * Cortex-M0: 31 cycles a synapse, 61 to 64 a neuron; up to 30 more where its total conductance is
 * small, which takes shifts.
 */
#if defined(__ARM_ARCH_6M__) && !defined(LTC_KERNEL_IN_C)

    .syntax unified
    .thumb

#ifdef LTC_KERNEL_IN_RAM /* for a part whose flash has wait states: start-up copies it as data */
#define LTC_KERNEL_SECTION .data.ltc_kernel, "awx", %progbits
#else
#define LTC_KERNEL_SECTION .text.ltc_kernel, "ax", %progbits
#endif

#define SIGMOID ltc_tables + 192

/*
 * Sum up synapses from r0 to r10, at least one, that read sources at r1 into r8 (den) and r9 (num);
 * r7: the sigmoid's table. Uses r2 to r6.
 */
.macro SYNAPSES for
.Lsynapse_\for:
    ldmia   r0!, {r2, r3, r4, r5}   /* slope and source, offset, weight, reversal */
    uxth    r6, r2
    ldrsh   r6, [r1, r6]
    asrs    r2, r2, #16
    muls    r2, r6, r2
    adds    r2, r2, r3
    asrs    r2, r2, r3              /* by the lower byte of the offset */
    lsrs    r6, r2, #16
    cmp     r6, #255
    bhi     .Lends_\for
    lsls    r6, r6, #2
    ldr     r6, [r7, r6]
    uxth    r2, r2
    uxth    r3, r6
    muls    r2, r3, r2
    adds    r6, r6, r2
    lsrs    r6, r6, #17
.Lopen_\for:
    muls    r4, r6, r4
    add     r8, r4
    muls    r5, r6, r5
    add     r9, r5
.Lclosed_\for:
    cmp     r0, r10
    bne     .Lsynapse_\for
.endm

/* Where SYNAPSES goes beyond the table: fully closed or fully open. */
.macro ENDS for
.Lends_\for:
    cmp     r2, #0
    blt     .Lclosed_\for
    ldr     r6, =32767
    b       .Lopen_\for
.endm

/* Reciprocal of r1, times r3: to r1. Uses r2, r3. */
.macro QUOTIENT
    lsrs    r2, r1, #8
    subs    r2, #255
    ldrb    r2, [r7, r2]            /* the reciprocals end where the sigmoid's table begins */
    muls    r1, r2, r1
    muls    r1, r2, r1
    lsls    r2, r2, #23
    subs    r2, r2, r1
    lsrs    r2, r2, #14
    asrs    r1, r3, #16
    uxth    r3, r3
    muls    r1, r2, r1
    muls    r3, r2, r3
    lsrs    r3, r3, #16
    adds    r1, r1, r3
.endm

    .section LTC_KERNEL_SECTION

    .balign 4
    .global ltc_gather
    .type   ltc_gather, %function
    .thumb_func
ltc_gather:
    push    {r3, r4, r5, r6, r7, lr}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    push    {r4, r5, r6}
    ldr     r4, [r3, #4]
    mov     r8, r4
    ldr     r4, [r3, #8]
    mov     r9, r4
    mov     r10, r2
    ldr     r7, =SIGMOID
    cmp     r0, r2
    beq     .Lgathered
    SYNAPSES gather
.Lgathered:
    mov     r1, r8
    mov     r2, r9
    pop     {r4, r5, r6}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    pop     {r3}
    str     r1, [r3, #4]
    str     r2, [r3, #8]
    pop     {r4, r5, r6, r7, pc}
    ENDS gather
    .size   ltc_gather, . - ltc_gather

    .balign 4
    .global ltc_advance
    .type   ltc_advance, %function
    .thumb_func
ltc_advance:
    push    {r0, r4, r5, r6, r7, lr}
    mov     r1, r8
    mov     r2, r9
    mov     r3, r10
    mov     r4, r11
    push    {r1, r2, r3, r4}
    ldmia   r0!, {r1, r2, r3, r4}
    mov     r0, r1                  /* r0: synapse */
    mov     r5, r2                  /* r5: cell */
    mov     lr, r3                  /* lr: source */
    mov     r12, r4                 /* r12: next */
    ldr     r7, =SIGMOID
.Lneuron:
    ldmia   r5!, {r1, r2, r3}
    cmp     r1, #0
    blt     .Ladvanced
    adds    r1, r1, r0
    mov     r8, r2
    mov     r9, r3
    mov     r10, r1
    mov     r11, r5
    cmp     r0, r1
    beq     .Lwhole
    mov     r1, lr
    SYNAPSES advance
.Lwhole:
    mov     r5, r11
    ldmia   r5!, {r4}               /* rate */
    ldr     r6, [r5]                /* state */
    mov     r1, r8
    lsrs    r2, r1, #16
    asrs    r3, r6, #15
    muls    r2, r3, r2
    mov     r3, r9
    asrs    r3, r3, #1
    subs    r3, r3, r2              /* (num - den * state) / 2 */
    lsrs    r1, r1, r4
    lsrs    r2, r4, #16
    adds    r1, r1, r2              /* den + capacitance */
    lsrs    r2, r1, #14
    beq     .Lsmall
    QUOTIENT
.Lchange:
    lsrs    r4, r4, #8
    asrs    r1, r1, r4
    /* Doubled, with the last bit shifted out below it. Where none was shifted out the carry is that
     * of the lsrs: bit 7 of a shift of 16, which is 0. */
    adcs    r1, r1, r1
    adds    r6, r6, r1
    adds    r1, r6, r6
    bvs     .Lbeyond
.Lstore:
    stmia   r5!, {r6}
    asrs    r1, r1, #16
    mov     r2, r12
    strh    r1, [r2]
    adds    r2, #2
    mov     r12, r2
    b       .Lneuron

.Lsmall:                            /* shift to 15 bits, and the change as much */
    movs    r0, #0
.Lshift:
    adds    r0, #1
    lsls    r1, r1, #1
    lsrs    r2, r1, #14
    beq     .Lshift
    QUOTIENT
    lsls    r1, r1, r0
    mov     r0, r10
    b       .Lchange

.Lbeyond:                           /* the end of the scale */
    asrs    r6, r6, #31
    ldr     r1, =0x3FFFFFFF
    eors    r6, r6, r1
    lsls    r1, r6, #1
    b       .Lstore

    ENDS advance

.Ladvanced:
    subs    r5, #12
    pop     {r1, r2, r3, r4}
    mov     r8, r1
    mov     r9, r2
    mov     r10, r3
    mov     r11, r4
    pop     {r1}
    str     r0, [r1, #0]
    str     r5, [r1, #4]
    mov     r2, r12
    str     r2, [r1, #12]
    pop     {r4, r5, r6, r7, pc}
    .size   ltc_advance, . - ltc_advance
    .ltorg

#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
