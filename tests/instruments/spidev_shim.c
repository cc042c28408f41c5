/*
 * Linux's spidev and GPIO character devices for one process (LD_PRELOAD): open, ioctl and close of
 * /dev/spidevN.M and /dev/gpiochipN as <linux/spi/spidev.h> and <linux/gpio.h> (v2 lines) have it.
 * What a kernel would ask hardware is asked over a Unix socket, where a test has the bus.
 *
 * SHIM_DIR names a folder with the socket "bus" and one file for each device there is. A device's
 * descriptor is one of that file, so that it can be locked as a device node can.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/spi/spidev.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS   1024
#define MESSAGE_BYTES 4096u /* spidev's parameter bufsiz */
#define DEFAULT_HZ    500000u
#define MODES_THERE_ARE                                                                            \
    (SPI_MODE_3 | SPI_CS_HIGH | SPI_LSB_FIRST | SPI_3WIRE | SPI_LOOP | SPI_NO_CS | SPI_READY)

enum kind { NONE, SPI_NODE, CHIP, LINE };
enum request { OPEN = 1, SETUP, SELECT, TRANSFER, LINES, CLAIM, LEVEL };

/* A descriptor that is a device; the connection belongs to it alone and ends with it. */
struct device {
    enum kind kind;
    int socket;
    uint32_t mode;
    uint8_t bits;
    uint32_t hz;
    uint32_t line;
};

struct question {
    uint32_t request, first, second;
    uint8_t data[MESSAGE_BYTES];
};

struct answer {
    int32_t status; /* 0 or more, or minus errno */
    uint8_t data[MESSAGE_BYTES];
};

static struct device devices[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*next_open(void))(const char *, int, ...) {
    return (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
}

static int next_close(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
    return real(descriptor);
}

/* Ask, and wait for the answer; what the kernel would return, or minus errno. */
static int ask(int socket, enum request request, uint32_t first, uint32_t second, void *data,
               size_t bytes) {
    struct question question = {.request = request, .first = first, .second = second};
    struct answer answer = {.status = 0};
    size_t head = offsetof(struct question, data);
    if (bytes > 0) {
        memcpy(question.data, data, bytes);
    }
    if (send(socket, &question, head + bytes, MSG_NOSIGNAL) < 0) {
        return -ENODEV;
    }
    ssize_t got = recv(socket, &answer, sizeof answer, 0);
    if (got < (ssize_t)offsetof(struct answer, data)) {
        return -ENODEV;
    }
    if (request == TRANSFER && answer.status >= 0) {
        memcpy(data, answer.data, bytes);
    }
    return answer.status;
}

static int fail(int status) {
    errno = -status;
    return -1;
}

static int connect_to_bus(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int made = snprintf(address.sun_path, sizeof address.sun_path, "%s/bus", getenv("SHIM_DIR"));
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (made < 0 || (size_t)made >= sizeof address.sun_path || connection < 0 ||
        connect(connection, (const struct sockaddr *)&address, sizeof address) < 0) {
        (void)fprintf(stderr, "spidev_shim: no bus in SHIM_DIR\n");
        abort();
    }
    return connection;
}

static int remember(int descriptor, struct device device) {
    if (descriptor < 0 || descriptor >= DESCRIPTORS) {
        (void)next_close(device.socket);
        return descriptor < 0 ? -1 : fail(-EMFILE);
    }
    devices[descriptor] = device;
    return descriptor;
}

static int open_device(const char *name, int flags, enum kind kind) {
    char path[512];
    int made = snprintf(path, sizeof path, "%s/%s", getenv("SHIM_DIR"), name);
    if (made < 0 || (size_t)made >= sizeof path) {
        return fail(-ENAMETOOLONG);
    }
    int descriptor = next_open()(path, flags);
    if (descriptor < 0) {
        return -1;
    }
    char copy[64];
    (void)snprintf(copy, sizeof copy, "%s", name);
    int connection = connect_to_bus();
    int status = ask(connection, OPEN, 0, 0, copy, strlen(copy));
    if (status < 0) {
        (void)next_close(connection);
        (void)next_close(descriptor);
        return fail(status);
    }
    struct device device = {.kind = kind, .socket = connection, .bits = 8, .hz = DEFAULT_HZ};
    return remember(descriptor, device);
}

static int open_any(const char *path, int flags, mode_t mode) {
    if (strncmp(path, "/dev/spidev", 11) == 0) {
        return open_device(path + 5, flags, SPI_NODE);
    }
    if (strncmp(path, "/dev/gpiochip", 13) == 0) {
        return open_device(path + 5, flags, CHIP);
    }
    return next_open()(path, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments) {
    bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    return creates ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_any(path, flags | O_LARGEFILE, mode);
}

int close(int descriptor) {
    if (descriptor >= 0 && descriptor < DESCRIPTORS && devices[descriptor].kind != NONE) {
        (void)pthread_mutex_lock(&lock);
        (void)next_close(devices[descriptor].socket);
        devices[descriptor].kind = NONE;
        (void)pthread_mutex_unlock(&lock);
    }
    return next_close(descriptor);
}

/* ---- spidev ---- */

static int set_up(struct device *device, struct device wanted) {
    if ((wanted.mode & ~(uint32_t)MODES_THERE_ARE) != 0) {
        return fail(-EINVAL);
    }
    int status = ask(device->socket, SETUP, wanted.mode, wanted.bits, NULL, 0);
    if (status < 0) {
        return fail(status);
    }
    device->mode = wanted.mode;
    device->bits = wanted.bits;
    return 0;
}

/* One transfer of a message: no tx_buf clocks zeros out, no rx_buf drops what comes in. The chip
 * has been selected for `held_us` before. */
static int transfer_one(const struct device *device, const struct spi_ioc_transfer *transfer,
                        uint32_t held_us) {
    uint8_t data[MESSAGE_BYTES] = {0};
    uint32_t hz = transfer->speed_hz != 0 ? transfer->speed_hz : device->hz;
    if (transfer->bits_per_word != 0 && transfer->bits_per_word != 8) {
        return -EINVAL;
    }
    if (transfer->tx_buf != 0) {
        memcpy(data, (const void *)(uintptr_t)transfer->tx_buf, transfer->len);
    }
    if (transfer->len == 0) {
        return 0;
    }
    int status =
        ask(device->socket, TRANSFER, hz, device->mode | held_us << 8, data, transfer->len);
    if (status >= 0 && transfer->rx_buf != 0) {
        memcpy((void *)(uintptr_t)transfer->rx_buf, data, transfer->len);
    }
    return status;
}

/* The chip is selected before the first transfer and released after the last; cs_change turns that
 * round: released between two, or kept after the last. */
static int message(const struct device *device, const struct spi_ioc_transfer *transfers,
                   size_t count) {
    size_t total = 0;
    for (size_t index = 0; index < count; index++) {
        total += transfers[index].len;
        if (total > MESSAGE_BYTES) {
            return fail(-EMSGSIZE);
        }
    }
    int status = count > 0 ? ask(device->socket, SELECT, 1, 0, NULL, 0) : 0;
    bool selected = true;
    uint32_t held_us = 0;
    for (size_t index = 0; index < count && status >= 0; index++) {
        bool last = index + 1 == count;
        status = transfer_one(device, &transfers[index], held_us);
        if (getenv("SHIM_NO_DELAY") == NULL && transfers[index].delay_usecs != 0) {
            held_us += transfers[index].delay_usecs;
            (void)usleep(transfers[index].delay_usecs);
        }
        if (status >= 0 && !last && transfers[index].cs_change != 0) {
            status = ask(device->socket, SELECT, 0, 0, NULL, 0);
            status = status < 0 ? status : ask(device->socket, SELECT, 1, 0, NULL, 0);
        }
        selected = !(last && transfers[index].cs_change == 0);
    }
    if (count > 0 && (!selected || status < 0)) {
        int released = ask(device->socket, SELECT, 0, 0, NULL, 0);
        status = status < 0 ? status : released;
    }
    return status < 0 ? fail(status) : (int)total;
}

static int spi_ioctl(struct device *device, unsigned long request, void *argument) {
    struct device wanted = *device;
    size_t bytes = _IOC_SIZE(request);
    switch (request) {
    case SPI_IOC_RD_MODE:
        *(uint8_t *)argument = (uint8_t)device->mode;
        return 0;
    case SPI_IOC_RD_MODE32:
        *(uint32_t *)argument = device->mode;
        return 0;
    case SPI_IOC_RD_BITS_PER_WORD:
        *(uint8_t *)argument = device->bits;
        return 0;
    case SPI_IOC_RD_MAX_SPEED_HZ:
        *(uint32_t *)argument = device->hz;
        return 0;
    case SPI_IOC_WR_MODE:
        wanted.mode = *(const uint8_t *)argument;
        return set_up(device, wanted);
    case SPI_IOC_WR_MODE32:
        wanted.mode = *(const uint32_t *)argument;
        return set_up(device, wanted);
    case SPI_IOC_WR_BITS_PER_WORD:
        wanted.bits = *(const uint8_t *)argument == 0 ? 8 : *(const uint8_t *)argument;
        return set_up(device, wanted);
    case SPI_IOC_WR_MAX_SPEED_HZ:
        if (*(const uint32_t *)argument == 0) {
            return fail(-EINVAL);
        }
        device->hz = *(const uint32_t *)argument;
        return 0;
    default:
        break;
    }
    if (_IOC_TYPE(request) != SPI_IOC_MAGIC || _IOC_NR(request) != 0 ||
        _IOC_DIR(request) != _IOC_WRITE) {
        return fail(-ENOTTY);
    }
    if (bytes % sizeof(struct spi_ioc_transfer) != 0) {
        return fail(-EINVAL);
    }
    return message(device, argument, bytes / sizeof(struct spi_ioc_transfer));
}

/* ---- GPIO ---- */

/* One line as an input: more is not asked for by whom this is made for. */
static int claim(struct gpio_v2_line_request *request) {
    if (request->num_lines != 1 || (request->config.flags & GPIO_V2_LINE_FLAG_INPUT) == 0) {
        return fail(-EINVAL);
    }
    int connection = connect_to_bus();
    int status =
        ask(connection, CLAIM, request->offsets[0], (uint32_t)request->config.flags, NULL, 0);
    if (status < 0) {
        (void)next_close(connection);
        return fail(status);
    }
    struct device line = {.kind = LINE, .socket = connection, .line = request->offsets[0]};
    request->fd = remember(next_open()("/dev/null", O_RDONLY | O_CLOEXEC), line);
    return request->fd < 0 ? -1 : 0;
}

static int chip_ioctl(struct device *device, unsigned long request, void *argument) {
    if (request == GPIO_GET_CHIPINFO_IOCTL) {
        struct gpiochip_info *info = argument;
        int lines = ask(device->socket, LINES, 0, 0, NULL, 0);
        memset(info, 0, sizeof *info);
        (void)snprintf(info->name, sizeof info->name, "gpiochip");
        info->lines = lines < 0 ? 0 : (uint32_t)lines;
        return lines < 0 ? fail(lines) : 0;
    }
    return request == GPIO_V2_GET_LINE_IOCTL ? claim(argument) : fail(-ENOTTY);
}

static int line_ioctl(struct device *device, unsigned long request, void *argument) {
    if (request != GPIO_V2_LINE_GET_VALUES_IOCTL) {
        return fail(-ENOTTY);
    }
    struct gpio_v2_line_values *values = argument;
    if ((values->mask & 1u) == 0) {
        return fail(-EINVAL);
    }
    int level = ask(device->socket, LEVEL, device->line, 0, NULL, 0);
    values->bits = level > 0 ? 1u : 0u;
    return level < 0 ? fail(level) : 0;
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    enum kind kind = descriptor >= 0 && descriptor < DESCRIPTORS ? devices[descriptor].kind : NONE;
    if (kind == NONE) {
        int (*real)(int, unsigned long, ...) =
            (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
        return real(descriptor, request, argument);
    }
    (void)pthread_mutex_lock(&lock);
    struct device *device = &devices[descriptor];
    int status = kind == SPI_NODE ? spi_ioctl(device, request, argument)
                 : kind == CHIP   ? chip_ioctl(device, request, argument)
                                  : line_ioctl(device, request, argument);
    int error = errno;
    (void)pthread_mutex_unlock(&lock);
    errno = error;
    return status;
}
