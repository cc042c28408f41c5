#include "main.h"

#include "agent.h"
#include "port.h"

static struct agent agent;

void main_loop(void) {
    uint8_t received[64];
    port_init();
    agent_init(&agent);
    for (;;) {
        const uint32_t count = port_read(received, sizeof received);
        if (count == 0 && !watch_tick(&agent)) {
            port_idle();
        }
        agent_receive(&agent, received, count);
    }
}

void main_report_fault(uint32_t exception, const uint32_t stacked[8]) {
    agent_report_fault(&agent, exception, stacked);
}
