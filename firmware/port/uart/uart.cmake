# The board's side of the link over a UART, for a family that has a uart_port.h beside its port.
target_sources(agent PRIVATE port/uart/uart_link.c)
target_include_directories(agent PRIVATE port/uart)
