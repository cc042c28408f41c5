/* Where QEMU's virt machine begins. */
    .section .vectors, "ax"
    .global _start
_start:
    la      sp, stack_top
    j       main
