/*
 * Flash algorithm for the STM32L0, run by pyOCD on the target's core (category 1 to 3 devices: one
 * bank, pages of 128 bytes, half-pages of 64).
 *
 * ProgramPage makes the flash hold the data in those pages of 128 bytes that the host marks, as it
 * knows what differs: each is erased only when it is not erased, and of its two halves only those
 * are programmed that are not all zero: erased flash reads as zero. So there is no separate erase.
 * Looking at a page costs less time than MSI at twice its speed saves: it takes no more of the
 * chip's time than an algorithm that erases and programs without a look.
 *
 * Registers and sequences: RM0377, chapter 3; ST's stm32l0xx_hal_flash.c, _flash_ex.c and
 * _flash_ramfunc.c (FLASH_PageErase, HAL_FLASHEx_HalfPageProgram); bits: stm32l031xx.h.
 *
 * stm32l0_flash.json is this file assembled: tests/twin/flash_algorithm.py makes it, and
 * tests/twin/test_flash_session.py holds the two together.
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
        .equ    RCC, 0x40021000
        .equ    ICSCR, 0x04
        .equ    MSIRANGE, 13        /* ICSCR: lowest of three bits */
        .equ    MSI_2MHZ, 5         /* after reset, when the core runs from MSI */
        .equ    MSI_4MHZ, 6         /* allowed in each voltage range, without a wait state */
        .equ    PAGE, 128
        .equ    HALF, 64
        .equ    PATIENCE, 32        /* turns between two looks at SR.BSY: 25 us at 4.2 MHz */

/* Where the functions return to: pyOCD's lr is the load address. */
        bkpt    0
        nop

/* Init(r0 address, r1 clock, r2 operation): unlock. 0, or the locks that stay shut. */
        .global init
        .thumb_func
init:
        push    {lr}
        movs    r1, #MSI_4MHZ
        bl      msi
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
        pop     {pc}

/* UnInit(r0 operation): lock. */
        .global uninit
        .thumb_func
uninit:
        push    {lr}
        movs    r1, #MSI_2MHZ
        bl      msi
        ldr     r3, =FLASH
        movs    r0, #7
        str     r0, [r3, #PECR]
        movs    r0, #0
        pop     {pc}

/* MSI's speed, r1: MSIRANGE. */
msi:
        ldr     r3, =RCC
        ldr     r0, [r3, #ICSCR]
        movs    r2, #7
        lsls    r2, r2, #MSIRANGE
        bics    r0, r2
        lsls    r1, r1, #MSIRANGE
        orrs    r0, r1
        str     r0, [r3, #ICSCR]
        bx      lr

/* EraseSector(r0 address): pyOCD wants one, and is told not to call it. */
        .global erase
        .thumb_func
erase:
        movs    r0, #1
        bx      lr

/* ProgramPage(r0 address, r1 bytes, r2 data), both multiples of 128; behind the data a word whose bit
 * n says whether to write page n of it. 0, or the errors of SR. */
        .global program
        .thumb_func
program:
        push    {r4-r7, lr}
        adds    r3, r0, r1
        push    {r3}                /* where the data ends */
        ldr     r1, [r2, r1]        /* the marks */
        ldr     r7, =FLASH

page:
        lsrs    r1, r1, #1
        bcc     same
        movs    r3, #PAGE - 4
1:      ldr     r6, [r0, r3]
        cmp     r6, #0
        bne     erased_not
        subs    r3, #4
        bpl     1b
        ldr     r3, always
        cmp     r3, #0
        beq     halves
erased_not:
        movs    r3, #ERASE_PROG >> 3
        lsls    r3, r3, #3
        str     r3, [r7, #PECR]
        movs    r3, #0
        str     r3, [r0]

halves:                             /* all words or-ed of each, while the page is erased */
        movs    r3, #HALF - 4
        movs    r4, #0
1:      ldr     r6, [r2, r3]
        orrs    r4, r6
        subs    r3, #4
        bpl     1b
        adds    r2, #HALF
        movs    r3, #HALF - 4
        movs    r5, #0
1:      ldr     r6, [r2, r3]
        orrs    r5, r6
        subs    r3, #4
        bpl     1b
        subs    r2, #HALF
        bl      finish
        bne     failed

half:
        cmp     r4, #0
        beq     next                /* erased is what it is to be */
        movs    r3, #FPRG_PROG >> 3
        lsls    r3, r3, #3
        str     r3, [r7, #PECR]
        .irp    word, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        ldr     r6, [r2, #4 * \word]
        str     r6, [r0, #4 * \word]
        .endr
        bl      finish
        bne     failed
next:
        movs    r4, r5
        adds    r2, #HALF
        adds    r0, #HALF
        lsls    r3, r0, #25         /* 0 at the end of the page */
        bne     half
        b       ended
same:
        adds    r0, #PAGE
        adds    r2, #PAGE
ended:
        ldr     r3, [sp]
        cmp     r0, r3
        bne     page
        movs    r6, #0
failed:
        movs    r3, #0
        str     r3, [r7, #PECR]
        movs    r0, r6
        pop     {r3}
        pop     {r4-r7, pc}

/* Wait for the operation under way, if any: errors in r6, and in the flags whether there are any. The
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
/* Not 0: pages that are erased are erased as well. */
        .global always
always: .word   0
        .ltorg
