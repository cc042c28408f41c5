/*
 * The program on the DUT: it takes requests from the link and runs the LTC runtime.
 *
 * It executes a request only if its epoch is the present one and its seq the expected one, so that
 * each request is executed at most once and in order; it keeps no replies. Everything else is the
 * host's work (docs/protocol.md).
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdint.h>

#include "frame.h"
#include "ltc.h"
#include "port.h"
#include "protocol.h"
#include "watch.h"

#define AGENT_FRAME_BYTES                                                                          \
    (sizeof(struct protocol_header) + PROTOCOL_PAYLOAD_BYTES + FRAME_CRC_BYTES)

struct agent {
    struct port_memory memory;
    struct frame_decoder decoder;
    struct frame_encoder encoder;
    uint32_t epoch;    /* 0: no SYNC since boot */
    uint32_t expected; /* seq of the next request to execute; past 65535 only a SYNC helps */
    uint32_t network;  /* CRC-32 of the open image, 0 when none is open */
    int32_t *states;   /* scratch for one step's reply: neurons values */
    int32_t *outputs;  /* scratch for one step's reply: outputs values */
    struct ltc net;
    struct watch watch;
    uint32_t frame[(AGENT_FRAME_BYTES + 3u) / 4u]; /* words, so that payload fields are aligned */
};

void agent_init(struct agent *agent);

/* Take received bytes; execute and answer what is complete. */
void agent_receive(struct agent *agent, const uint8_t *data, uint32_t count);

/* Frames that nobody has asked for: what comes between the two is their payload. */
void agent_unasked_begin(struct agent *agent, enum protocol_command command);
void agent_unasked_end(struct agent *agent, enum protocol_status status, uint32_t detail);

/* Send a FAULT frame: the exception's number and the eight words that the core stacked. */
void agent_report_fault(struct agent *agent, uint32_t exception, const uint32_t stacked[8]);

#endif
