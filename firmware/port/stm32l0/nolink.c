/* No link: the program runs by itself (harvest/), and the board's pins stay as reset leaves them.
 */
#include "port.h"

#include "startup.h"
#include "stm32l0.h"

void stm32l0_link_start(bool on_msi) {
    (void)on_msi;
}

struct port_memory port_memory(void) {
    return startup_memory(0);
}

uint32_t port_read(uint8_t *data, uint32_t capacity) {
    (void)data;
    (void)capacity;
    return 0;
}

void port_write(const uint8_t *data, uint32_t count) {
    (void)data;
    (void)count;
}

bool port_write_pending(void) {
    return false;
}

uint32_t startup_poll(uint8_t *byte) {
    (void)byte;
    return 0;
}

bool stm32l0_link_idle(void) {
    return true;
}

bool stm32l0_link_rests(void) {
    return true;
}

void stm32l0_link_stops(void) {
}

void stm32l0_link_resumes(void) {
}
