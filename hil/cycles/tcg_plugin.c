/*
 * QEMU TCG plugin: feeds the tracker with the blocks that an emulated Cortex-M0 executes.
 *
 *     -plugin tcg_plugin.so,fd=N      N: descriptor of a counter's file (counter_file.h)
 *
 * The declarations below are those of QEMU's plugin API, version 1, as far as they are used here;
 * distributions do not ship its header. The length of an instruction is decoded here, as
 * qemu_plugin_insn_size() says 4 for a 16-bit instruction before a page's last word.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tracker.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum plugin_registers { PLUGIN_NO_REGISTERS };
enum plugin_accesses { PLUGIN_READ = 1, PLUGIN_WRITE, PLUGIN_READ_WRITE };

struct plugin_info {
    const char *target_name;
    struct {
        int min;
        int current;
    } version;
    bool system_emulation;
    struct {
        int vcpus;
        int max_vcpus;
    } system;
};

typedef void (*plugin_tb_callback)(plugin_id, struct qemu_plugin_tb *);
typedef void (*plugin_exec_callback)(unsigned int, void *);
typedef void (*plugin_access_callback)(unsigned int, uint32_t, uint64_t, void *);
typedef void (*plugin_vcpu_callback)(plugin_id, unsigned int);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, plugin_tb_callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, plugin_exec_callback,
                                          enum plugin_registers, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, plugin_exec_callback,
                                            enum plugin_registers, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, plugin_access_callback,
                                      enum plugin_registers, enum plugin_accesses, void *);
void qemu_plugin_register_vcpu_idle_cb(plugin_id, plugin_vcpu_callback);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

EXPORT extern int qemu_plugin_version;
EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

int qemu_plugin_version = 1;

#define LONGEST_TB 1024u /* instructions; QEMU ends one after 512 */

/* One core, one counter: QEMU gives its callbacks no place for a pointer of ours but this. */
static struct block_table table;
static struct tracker tracker;
static bool accesses_matter;

static void on_block(unsigned int core, void *block) {
    (void)core;
    tracker_enter(&tracker, block);
}

/* `saving`: what the single-cycle port saves of this instruction. */
static void on_access(unsigned int core, uint32_t info, uint64_t address, void *saving) {
    const struct counter_memory *memory = block_memory(&table, (uint32_t)address);

    (void)core;
    (void)info;
    if (memory != NULL) {
        const int32_t saved = memory->port ? (int32_t)(uintptr_t)saving : 0;
        tracker_delay(&tracker, (int32_t)memory->data_wait - saved);
    }
}

static void watch_accesses(struct qemu_plugin_insn *insn, uint32_t address, const uint8_t *code) {
    const uint16_t first = (uint16_t)(code[0] | code[1] << 8);
    const struct cost cost = cost_of(&table.model, address, first, 0);
    const bool single = (cost.flags & COST_ACCESS) != 0;
    const uint32_t saving = single ? cost_port_saving(&table.model, cost.kind) : 0;

    qemu_plugin_register_vcpu_mem_cb(insn, on_access, PLUGIN_NO_REGISTERS, PLUGIN_READ_WRITE,
                                     (void *)(uintptr_t)saving);
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb) {
    static uint8_t code[LONGEST_TB * 4u]; /* translation is under QEMU's lock */
    static uint32_t place[LONGEST_TB + 1u];
    const uint32_t start = (uint32_t)qemu_plugin_tb_vaddr(tb);
    const size_t count = qemu_plugin_tb_n_insns(tb);
    uint32_t bytes = 0;

    (void)id;
    if (count > LONGEST_TB) {
        tracker.header->trouble[COUNTER_LOST]++;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *data = qemu_plugin_insn_data(insn);
        const uint32_t length = cost_bytes((uint16_t)(data[0] | data[1] << 8));

        if (qemu_plugin_insn_size(insn) < length) {
            tracker.header->trouble[COUNTER_LOST]++;
            return;
        }
        memcpy(code + bytes, data, length);
        place[i] = bytes;
        if (accesses_matter) {
            watch_accesses(insn, start + bytes, code + bytes);
        }
        bytes += length;
    }
    place[count] = bytes;
    /* More than one block where a function's end lies within. */
    for (size_t i = 0; i < count;) {
        struct block *block = block_at(&table, start + place[i], code + place[i], bytes - place[i]);
        if (block == NULL) {
            tracker.header->trouble[COUNTER_LOST]++;
            return;
        }
        if (i == 0) {
            qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, PLUGIN_NO_REGISTERS, block);
        } else {
            qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(tb, i), on_block,
                                                   PLUGIN_NO_REGISTERS, block);
        }
        do {
            i++;
        } while (i < count && start + place[i] < block->end);
    }
}

/* The core sleeps, or a debugger has halted it. */
static void on_idle(plugin_id id, unsigned int core) {
    (void)id;
    (void)core;
    if (tracker.clock[INSTRUCTIONS] !=
        tracker.mark[INSTRUCTIONS]) { /* QEMU is also idle at start */
        tracker_flush(&tracker);
        __atomic_add_fetch(&tracker.header->idles, 1u, __ATOMIC_RELEASE);
    }
}

static struct counter_header *map(int descriptor) {
    struct stat stat;

    if (fstat(descriptor, &stat) != 0 || (size_t)stat.st_size < sizeof(struct counter_header)) {
        return NULL;
    }
    void *file =
        mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (file == MAP_FAILED) {
        return NULL;
    }
    struct counter_header *header = file;
    const bool good = header->magic == COUNTER_MAGIC && header->version == COUNTER_VERSION &&
                      header->bytes == stat.st_size && header->core < COST_CORES;
    return good ? header : NULL;
}

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc,
                               char **argv) {
    if (info->version.min > qemu_plugin_version || info->version.current < qemu_plugin_version) {
        fprintf(stderr, "cycle counter: this QEMU has another plugin interface\n");
        return -1;
    }
    if (argc != 1 || strncmp(argv[0], "fd=", 3) != 0) {
        fprintf(stderr, "cycle counter: expected fd=NUMBER\n");
        return -1;
    }
    struct counter_header *header = map((int)strtol(argv[0] + 3, NULL, 10));
    if (header == NULL) {
        fprintf(stderr, "cycle counter: not a counter's file, or one of another version\n");
        return -1;
    }
    if (!block_table_open(&table, header) || !tracker_open(&tracker, header)) {
        fprintf(stderr, "cycle counter: out of memory\n");
        return -1;
    }
    for (uint32_t i = 0; i < table.memory_count; i++) {
        accesses_matter |= table.memories[i].data_wait != 0 || table.memories[i].port != 0;
    }
    header->state = 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_vcpu_idle_cb(id, on_idle);
    return 0;
}
