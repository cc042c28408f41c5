/* For a port without a memory that the program can write and that keeps its content. */
#include "port.h"

uint32_t port_store_bytes(void) {
    return 0;
}

void port_store_read(uint32_t offset, uint32_t *words, uint32_t count) {
    (void)offset;
    (void)words;
    (void)count;
}

uint32_t port_store_write(uint32_t offset, const uint32_t *words, uint32_t count) {
    (void)offset;
    (void)words;
    (void)count;
    return 0;
}
