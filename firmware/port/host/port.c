/*
 * The agent as a native process, under the address and undefined-behaviour sanitizers.
 *
 * It serves the link on a pseudo-terminal whose path is its first line on stdout, and leaves as
 * soon as its stdin ends: the kernel closes that when the parent goes, by whatever end. An optional
 * argument names a file that stands in for what was flashed into the image slot.
 */
#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "board.h"
#include "main.h"

#define WINDOW_BYTES                                                                               \
    3072u /* below what the kernel holds for a pseudo-terminal, so that no writer blocks */

static _Alignas(8) uint8_t arena[BOARD_RAM_BYTES];
static _Alignas(8) uint8_t slot[BOARD_SLOT_BYTES];
static uint8_t unsent[4096];
static uint32_t unsent_bytes;
static int pty_fd = -1;

static void fail(const char *what) {
    fprintf(stderr, "host port: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* Wait for `events` on the pty; leave when the parent is gone. */
static void wait_for(short events) {
    struct pollfd fds[2] = {{.fd = pty_fd, .events = events},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR) {
            fail("poll");
        }
    }
    if (fds[1].revents != 0) {
        uint8_t ignored[64];
        if (read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
            exit(EXIT_SUCCESS);
        }
    }
}

static void flush(void) {
    uint32_t sent = 0;
    while (sent < unsent_bytes) {
        const ssize_t count = write(pty_fd, unsent + sent, unsent_bytes - sent);
        if (count > 0) {
            sent += (uint32_t)count;
        } else if (errno == EAGAIN || errno == EINTR) {
            wait_for(POLLOUT);
        } else {
            fail("write");
        }
    }
    unsent_bytes = 0;
}

void port_init(void) {
    pty_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (pty_fd < 0 || grantpt(pty_fd) != 0 || unlockpt(pty_fd) != 0) {
        fail("no pseudo-terminal");
    }
    const char *path = ptsname(pty_fd);
    /* Kept open for good: without it the master would see a hang-up each time a client closes. */
    const int held = path == NULL ? -1 : open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios raw;
    if (path == NULL || held < 0 || tcgetattr(held, &raw) != 0) {
        fail("the pseudo-terminal cannot be opened");
    }
    cfmakeraw(&raw);
    if (tcsetattr(held, TCSANOW, &raw) != 0) {
        fail("the pseudo-terminal cannot be made raw");
    }
    puts(path);
    fflush(stdout);
}

struct port_memory port_memory(void) {
    return (struct port_memory){
        .arena = arena,
        .arena_bytes = sizeof arena,
        .slot = slot,
        .slot_bytes = sizeof slot,
        .window_bytes = WINDOW_BYTES,
    };
}

uint32_t port_read(uint8_t *data, uint32_t capacity) {
    const ssize_t count = read(pty_fd, data, capacity);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        fail("read");
    }
    return count > 0 ? (uint32_t)count : 0;
}

void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (unsent_bytes == sizeof unsent) {
            flush();
        }
        unsent[unsent_bytes++] = data[i];
    }
}

void port_idle(void) {
    flush();
    wait_for(POLLIN);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        FILE *file = fopen(argv[1], "rb");
        if (file == NULL) {
            fail(argv[1]);
        }
        const size_t count = fread(slot, 1, sizeof slot, file);
        if (count == 0 || ferror(file) != 0) {
            fail(argv[1]);
        }
        fclose(file);
    }
    main_loop();
}
