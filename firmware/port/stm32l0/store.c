/*
 * The data EEPROM (RM0377 3.3.4): unlock, store a word, wait, lock. Where the word is not zero the
 * memory erases it first by itself. Meanwhile code in flash stands still, interrupts too.
 */
#include "port.h"

#include "board.h"
#include "ready.h"
#include "stm32l0.h"

static volatile uint32_t *word_at(uint32_t offset) {
    return &STM32L0_REGISTER(BOARD_EEPROM_ORIGIN + offset);
}

/* Erase and programming of a word take some 7 ms together. */
static bool becomes_ready(void) {
    return becomes(&FLASH_SR, FLASH_SR_BSY, 0);
}

uint32_t port_store_bytes(void) {
    return BOARD_EEPROM_BYTES;
}

void port_store_read(uint32_t offset, uint32_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        words[i] = *word_at(offset + 4u * i);
    }
}

/* Whether it has got there. */
static bool write_word(volatile uint32_t *place, uint32_t word) {
    if (*place != word) { /* each write wears it out */
        *place = word;
        if (!becomes_ready()) {
            return false;
        }
    }
    return *place == word;
}

uint32_t port_store_write(uint32_t offset, const uint32_t *words, uint32_t count) {
    uint32_t done = 0;

    if (!becomes_ready()) {
        return 0;
    }
    FLASH_PEKEYR = FLASH_PEKEY1; /* locked from reset on, and after each time */
    FLASH_PEKEYR = FLASH_PEKEY2;
    while (done < count && write_word(word_at(offset + 4u * done), words[done])) {
        done++;
    }
    FLASH_PECR |= FLASH_PECR_PELOCK;
    return done;
}
