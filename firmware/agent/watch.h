/*
 * A node by itself (docs/protocol.md, "Watch"): on each tick of the port's timer it takes the next
 * recorded sample from the image slot, makes a step, and reports what the rule calls an anomaly;
 * between the ticks the core may stop. Reports are kept until the host has said that it has them.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"
#include "rule.h"

struct agent;

/* Most and fewest reports that are kept. */
#define WATCH_REPORTS_MOST   32u
#define WATCH_REPORTS_FEWEST 4u

struct watch {
    bool begun;           /* since the network was opened */
    bool running;         /* there are samples left */
    bool held;            /* nothing is sent in this epoch yet */
    bool samples;         /* each sample is reported, and no step made */
    const int32_t *start; /* state that each sequence begins with */
    const uint32_t *next; /* elapsed, inputs */
    uint32_t sequences;   /* of the recording */
    uint32_t steps;       /* of each */
    uint32_t sequence;    /* the next step's */
    uint32_t step;        /* the next one */
    struct rule rule;
    uint32_t *reports; /* where they are kept: `room` times `words` */
    uint32_t room;
    uint32_t words;     /* of each: sequence and step, then values */
    uint32_t last;      /* number of the latest one, from 1 on; the end comes behind it */
    uint32_t sent;      /* up to this one; the last of them may still be on their way */
    uint32_t taken;     /* the host has those up to this one */
    uint32_t done;      /* steps made */
    uint32_t anomalies; /* found */
    uint32_t late;      /* ticks that came while a step was still made */
    uint32_t dropped;   /* reports for which there was no room */
    uint32_t crc;       /* over all outputs, and each sequence's last state; or over the samples */
    uint32_t cycles[2]; /* of all steps, low word first, by the port's counter */
    uint32_t status;    /* enum protocol_status at the end: a step may have been refused */
    uint32_t detail;
};

/* Begin, with a WATCH's payload. A `detail` goes with every status but PROTOCOL_OK. */
enum protocol_status watch_begin(struct agent *agent, const uint32_t *words, uint32_t length,
                                 uint32_t *detail);

/* Something else is done with the network: no more ticks. */
void watch_end(struct agent *agent);

/* Send what waits, and make a step if its tick has come; returns whether it has. */
bool watch_tick(struct agent *agent);

/* Number of the latest report, the end's where that was told. */
uint32_t watch_latest(const struct agent *agent);

/* An epoch begins: no report in it until the host has asked for the watch or its reports; then all
 * that the host does not have, as those of another epoch do not count. */
void watch_hold(struct agent *agent);

/* The host has the reports up to a number; with `again` those behind it are sent once more. */
void watch_taken(struct agent *agent, uint32_t number, bool again);

#endif
