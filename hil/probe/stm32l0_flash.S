/*
 * Flash algorithm for the STM32L0, run by pyOCD on the target's core (category 1 to 3 devices: one
 * bank, pages of 128 bytes, half-pages of 64).
 *
 * ProgramPage makes the flash hold the data: each page of 128 bytes is compared first and left
 * alone when it holds the data, erased only when it is not erased, and of its two halves only those
 * are programmed that are not all zero: erased flash reads as zero. So there is no separate erase.
 *
 * Registers and sequences: RM0377, chapter 3; ST's stm32l0xx_hal_flash.c, _flash_ex.c and
 * _flash_ramfunc.c (FLASH_PageErase, HAL_FLASHEx_HalfPageProgram); bits: stm32l031xx.h.
 *
 * stm32l0_flash.json is this file assembled: tests/twin/test_flash_algorithm.py.
 */
        .syntax unified
        .cpu    cortex-m0plus
        .thumb

        .equ    FLASH, 0x40022000
        .equ    PECR, 0x04
        .equ    PEKEYR, 0x0c
        .equ    PRGKEYR, 0x10
        .equ    SR, 0x18
        .equ    ERASE_PROG, 0x208   /* PECR.ERASE, PROG: the next store erases its page */
        .equ    FPRG_PROG, 0x408    /* PECR.FPRG, PROG: the next 16 stores are a half-page */
        .equ    ERRORS, 0x32700     /* SR: FWWERR, NOTZEROERR, RDERR, SIZERR, PGAERR, WRPERR; not OPTVERR,
                                       which the first cut of the STM32L031 sets wrongly (ST's HAL) */
        .equ    IWDG, 0x40003000
        .equ    RELOAD, 0xaaaa
        .equ    PAGE, 128
        .equ    HALF, 64
        .equ    PATIENCE, 16        /* turns between two looks at SR.BSY: 25 us at 2.1 MHz */

/* Where the functions return to: pyOCD's lr is the load address. */
        bkpt    0
        nop

/* Init(r0 address, r1 clock, r2 operation): unlock. 0, or the locks that stay shut. */
        .global init
        .thumb_func
init:
        ldr     r3, =FLASH
        ldr     r0, [r3, #PECR]
        lsrs    r0, r0, #1          /* PELOCK */
        bcc     1f
        ldr     r0, =0x89abcdef
        str     r0, [r3, #PEKEYR]
        ldr     r0, =0x02030405
        str     r0, [r3, #PEKEYR]
1:      ldr     r0, [r3, #PECR]
        lsrs    r0, r0, #2          /* PRGLOCK */
        bcc     2f
        ldr     r0, =0x8c9daebf
        str     r0, [r3, #PRGKEYR]
        ldr     r0, =0x13141516
        str     r0, [r3, #PRGKEYR]
2:      ldr     r1, =ERRORS         /* of earlier operations */
        str     r1, [r3, #SR]
        ldr     r0, [r3, #PECR]
        movs    r1, #3
        ands    r0, r1
        bx      lr

/* UnInit(r0 operation): lock. */
        .global uninit
        .thumb_func
uninit:
        ldr     r3, =FLASH
        movs    r0, #7
        str     r0, [r3, #PECR]
        movs    r0, #0
        bx      lr

/* EraseSector(r0 address): pyOCD wants one, and is told not to call it. */
        .global erase
        .thumb_func
erase:
        movs    r0, #1
        bx      lr

/* ProgramPage(r0 address, r1 bytes, r2 data), both multiples of 128. 0, or the errors of SR. */
        .global program
        .thumb_func
program:
        push    {r4-r7, lr}
        adds    r1, r0, r1
        push    {r1}                /* where the data ends */
        ldr     r7, =FLASH

compare:
        movs    r3, #PAGE - 4
        movs    r4, #0              /* what is there, all words or-ed */
        ldr     r5, always          /* differences, all words or-ed */
1:      ldr     r6, [r0, r3]
        orrs    r4, r6
        ldr     r1, [r2, r3]
        eors    r6, r1
        orrs    r5, r6
        subs    r3, #4
        bpl     1b
        cmp     r5, #0
        beq     same
        ldr     r1, always
        orrs    r4, r1
        beq     halves              /* erased already */
        movs    r3, #ERASE_PROG >> 3
        lsls    r3, r3, #3
        str     r3, [r7, #PECR]
        movs    r3, #0
        str     r3, [r0]
        bl      finish
        bne     failed

halves:
        movs    r4, #2
half:
        movs    r3, #HALF - 4
        movs    r5, #0
1:      ldr     r6, [r2, r3]
        orrs    r5, r6
        subs    r3, #4
        bpl     1b
        cmp     r5, #0
        beq     next                /* erased is what it is to be */
        movs    r3, #FPRG_PROG >> 3
        lsls    r3, r3, #3
        str     r3, [r7, #PECR]
        movs    r3, #0
1:      ldr     r6, [r2, r3]
        str     r6, [r0, r3]
        adds    r3, #4
        cmp     r3, #HALF
        bne     1b
        bl      finish
        bne     failed
next:
        adds    r0, #HALF
        adds    r2, #HALF
        subs    r4, #1
        bne     half
        b       ended
same:
        adds    r0, #PAGE
        adds    r2, #PAGE
ended:
        ldr     r1, [sp]
        cmp     r0, r1
        bne     compare
        movs    r6, #0
failed:
        movs    r3, #0
        str     r3, [r7, #PECR]
        movs    r0, r6
        pop     {r1}
        pop     {r4-r7, pc}

/* Wait for the operation under way: errors in r6, and in the flags whether there are any. The
 * watchdog may have been started by the option bytes, and is kept quiet. */
finish:
        ldr     r6, =IWDG
        ldr     r3, =RELOAD
        str     r3, [r6]
1:      movs    r3, #PATIENCE
2:      subs    r3, #1
        bne     2b
        ldr     r6, [r7, #SR]
        lsrs    r3, r6, #1          /* BSY */
        bcs     1b
        ldr     r3, =ERRORS
        str     r3, [r7, #SR]
        ands    r6, r3
        bx      lr

        .align  2
/* Not 0: pages that hold the data already are erased and programmed as well. */
        .global always
always: .word   0
        .ltorg
