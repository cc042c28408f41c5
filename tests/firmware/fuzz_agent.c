/*
 * Gives the agent sound frames with any command and any payload, in sequence,
 * under the sanitizers: what a broken or hostile host could send. Usage:
 * fuzz_agent ROUNDS SEED IMAGE; prints how often each status was answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

#define STATUSES    23u
#define STORE_WORDS 64u
#define STOP_MS     1000u
#define TICK_MS     500u

static struct agent *agent; /* on the heap, so that one byte beyond it is seen */
static uint8_t *arena;
static uint8_t *slot;
static uint32_t *store;
static uint32_t slot_bytes;
static uint64_t random_state;
static uint8_t to_agent[4096];
static uint32_t to_agent_bytes;
static uint8_t answer[1 << 20];
static struct frame_decoder answers;
static uint32_t counts[STATUSES];
static bool ticking;

static uint32_t draw(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

struct port_memory port_memory(void) {
    return (struct port_memory){.arena = arena,
                                .arena_bytes = 12000,
                                .slot = slot,
                                .slot_bytes = slot_bytes,
                                .window_bytes = 2048};
}

void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const enum frame_event event = frame_decode(&answers, data[i]);
        if (event == FRAME_DAMAGED) {
            fprintf(stderr, "the agent sent a damaged frame\n");
            abort();
        }
        if (event == FRAME_READY) {
            counts[answer[answers.length - 1u] % STATUSES]++;
        }
    }
}

uint32_t port_store_bytes(void) {
    return 4u * STORE_WORDS;
}

void port_store_read(uint32_t offset, uint32_t *words, uint32_t count) {
    memcpy(words, &store[offset / 4u], 4u * count);
}

/* Some words cannot be written any more. */
uint32_t port_store_write(uint32_t offset, const uint32_t *words, uint32_t count) {
    uint32_t done = 0;
    while (done < count && (offset + 4u * done) % 100u != 0) {
        store[offset / 4u + done] = words[done];
        done++;
    }
    return done;
}

uint32_t port_stop_longest_ms(void) {
    return STOP_MS;
}

bool port_stop(uint32_t milliseconds) {
    if (milliseconds > STOP_MS) {
        abort();
    }
    return draw(3) != 0;
}

uint32_t port_tick_longest_ms(void) {
    return TICK_MS;
}

bool port_tick_start(uint32_t milliseconds) {
    if (milliseconds > TICK_MS) {
        abort();
    }
    ticking = milliseconds != 0 && draw(3) != 0;
    return ticking || milliseconds == 0;
}

uint32_t port_ticks(void) {
    if (!ticking) {
        fprintf(stderr, "the agent waits for ticks that it has not asked for\n");
        abort();
    }
    return draw(3);
}

static void collect(const uint8_t *data, uint32_t count) {
    memcpy(to_agent + to_agent_bytes, data, count);
    to_agent_bytes += count;
}

static void send(uint8_t command, uint32_t epoch, uint32_t seq, const void *payload,
                 uint32_t count) {
    struct frame_encoder encoder;
    const struct protocol_header header = {
        .epoch = epoch, .seq = (uint16_t)seq, .command = command, .reserved = 0};
    to_agent_bytes = 0;
    frame_begin(&encoder, collect);
    frame_put(&encoder, &header, sizeof header);
    frame_put(&encoder, payload, count);
    frame_end(&encoder);
    agent_receive(agent, to_agent, to_agent_bytes);
}

static void open_image(uint32_t source, uint32_t length, uint32_t crc) {
    const uint32_t payload[3] = {source, length, crc};
    send(PROTOCOL_IMAGE_OPEN, agent->epoch, agent->expected, payload, sizeof payload);
}

/* The image from the slot into RAM, where image and working memory together are
 * too large. */
static void load_image(void) {
    for (uint32_t at = 0; at < slot_bytes && at < 12000u; at += 1024u) {
        uint32_t payload[257] = {at};
        const uint32_t left = (slot_bytes < 12000u ? slot_bytes : 12000u) - at;
        const uint32_t count = left < 1024u ? left : 1024u;
        memcpy(&payload[1], slot + at, count);
        send(PROTOCOL_IMAGE_WRITE, agent->epoch, agent->expected, payload, 4u + count);
    }
}

/* One request whose fields are right, almost right, or anything. */
static void send_some(void) {
    static const uint8_t commands[] = {0, 1,  2,  3,  4,  5,  6,  7,  8,  9,    9,
                                       9, 10, 11, 12, 13, 13, 14, 14, 15, 0x7F, 0x89};
    uint32_t payload[PROTOCOL_PAYLOAD_BYTES / 4u];
    const uint8_t command = commands[draw(sizeof commands)];
    uint32_t count = draw(PROTOCOL_PAYLOAD_BYTES + 1u);
    for (uint32_t i = 0; i < PROTOCOL_PAYLOAD_BYTES / 4u; i++) {
        payload[i] = draw(3) == 0 ? draw(12100) : draw(0xFFFFFFFFu);
    }
    if (command == PROTOCOL_STEP && draw(8) != 0) {
        const uint32_t step_bytes = 4u * (1u + agent->net.inputs);
        const uint32_t steps = draw(1u + (PROTOCOL_PAYLOAD_BYTES - 4u) / step_bytes);
        payload[0] = steps | draw(256) << 16;
        count = 4u + steps * step_bytes;
        for (uint32_t step = 0; step < steps && draw(4) != 0; step++) {
            payload[1u + step * step_bytes / 4u] = LTC_ELAPSED_MIN + draw(1u << 24);
        }
    } else if (command == PROTOCOL_STATE_SET && draw(4) != 0) {
        count = 4u * agent->net.neurons;
        for (uint32_t i = 0; i < agent->net.neurons && draw(64) != 0; i++) {
            payload[i] = draw(1u << 30);
        }
    } else if (command == PROTOCOL_IMAGE_OPEN) {
        const uint32_t length = draw(2) ? slot_bytes : draw(12100);
        const uint32_t source = draw(3);
        if (draw(4) == 0) {
            load_image();
        }
        const uint8_t *image = source == PROTOCOL_SOURCE_RAM ? arena : slot;
        const uint32_t room = source == PROTOCOL_SOURCE_RAM ? 12000 : slot_bytes;
        const uint32_t crc = ltc_crc32(0, image, length < room ? length : room);
        open_image(source, length, crc + (draw(8) == 0));
        return;
    } else if ((command == PROTOCOL_STORE_READ || command == PROTOCOL_STORE_WRITE) && draw(8)) {
        payload[0] = 4u * draw(STORE_WORDS + 2u);
        payload[1] = 4u * draw(STORE_WORDS + 2u);
        count = command == PROTOCOL_STORE_READ ? 8u : 4u + 4u * draw(STORE_WORDS + 2u);
    } else if (command == PROTOCOL_STOP && draw(4)) {
        payload[0] = draw(2u * STOP_MS);
        count = 4;
    } else if (command == PROTOCOL_WATCH && draw(8)) {
        /* Records anywhere in the slot, of an image for the most part. */
        payload[0] = draw(TICK_MS + 20u);
        payload[1] = 4u * draw(slot_bytes / 4u + 2u);
        payload[2] = draw(4) | draw(6) << 16;
        payload[3] =
            draw(3) | draw(agent->net.outputs + 1u) << 8 | draw(4) << 16 | draw(9) / 4u << 24;
        count = 20;
    } else if (command == PROTOCOL_REPORTS && draw(8)) {
        payload[0] = agent->watch.taken + draw(4);
        payload[1] = draw(2);
        count = 8;
    } else if (command == PROTOCOL_IMAGE_WRITE && draw(2)) {
        payload[0] = draw(2) ? 12004u - count - draw(9) : draw(slot_bytes);
    }
    const uint32_t arena_bytes = agent->memory.arena_bytes;
    if (command == PROTOCOL_WATCH && agent->network != 0 && draw(8) == 0) {
        /* A network that leaves next to nothing. */
        const uint8_t *used = (const uint8_t *)(agent->outputs + agent->net.outputs);
        agent->memory.arena_bytes = (uint32_t)(used - agent->memory.arena) + draw(64);
    }
    const uint32_t epoch = agent->epoch + (draw(16) == 0 ? draw(3) : 0);
    const uint32_t seq = agent->expected + (draw(16) == 0 ? draw(3) : 0);
    send(command, epoch, seq, payload, count);
    agent->memory.arena_bytes = arena_bytes;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        return 2;
    }
    const uint32_t rounds = (uint32_t)strtoul(argv[1], NULL, 10);
    random_state = strtoull(argv[2], NULL, 10) * 2u + 1u;
    FILE *file = fopen(argv[3], "rb");
    agent = malloc(sizeof *agent);
    arena = calloc(1, 12000);
    slot = malloc(1 << 16);
    store = calloc(STORE_WORDS, 4);
    if (file == NULL || agent == NULL || arena == NULL || slot == NULL || store == NULL) {
        return 2;
    }
    slot_bytes = (uint32_t)fread(slot, 1, 1 << 16, file);
    fclose(file);
    frame_decoder_init(&answers, answer, sizeof answer);
    agent_init(agent);
    send(PROTOCOL_SYNC, 1, 0, NULL, 0);
    for (uint32_t round = 0; round < rounds; round++) {
        if (agent->expected > 60000u) {
            send(PROTOCOL_SYNC, agent->epoch + 1u, 0, NULL, 0);
        }
        if (agent->network == 0 && draw(4) == 0) {
            open_image(PROTOCOL_SOURCE_FLASH, slot_bytes, ltc_crc32(0, slot, slot_bytes));
        }
        send_some();
        for (uint32_t ticks = draw(12); ticks != 0; ticks--) {
            (void)watch_tick(agent);
        }
    }
    for (uint32_t status = 0; status < STATUSES; status++) {
        printf("%u ", counts[status]);
    }
    printf("\n");
    free(agent);
    free(arena);
    free(slot);
    free(store);
    return 0;
}
