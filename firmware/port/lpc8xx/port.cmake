# LPC84x: USART0 on any pin of port 0, by the switch matrix; pins are given as PIO0_<number>.
if(NOT HIL_LINK STREQUAL "uart")
  message(FATAL_ERROR "HIL_LINK is '${HIL_LINK}', but the port for LPC8xx has no link over SPI")
endif()
# Not the debugger's (PIO0_2, PIO0_3) and reset's (PIO0_5); what sends or marks, not on those that drive no high (PIO0_10, PIO0_11).
set(taken_UART_RX "^PIO0_(2|3|5)$")
set(taken_UART_TX "^PIO0_(2|3|5|10|11)$")
set(taken_MARKER "^PIO0_(2|3|5|10|11)$")
foreach(line UART_TX UART_RX MARKER)
  if(line STREQUAL "MARKER" AND HIL_MARKER STREQUAL "")
    continue()
  elseif(HIL_${line} MATCHES "${taken_${line}}" OR NOT HIL_${line} MATCHES "^PIO0_([0-9]|[12][0-9]|3[01])$")
    message(FATAL_ERROR "HIL_${line} is '${HIL_${line}}', not a pin of an LPC84x (PIO0_0 to PIO0_31) that can do that and that debugger and reset leave free")
  endif()
  target_compile_definitions(agent PRIVATE BOARD_${line}_PIN=${CMAKE_MATCH_1}u)
endforeach()
if(HIL_MARKER STREQUAL HIL_UART_TX OR HIL_MARKER STREQUAL HIL_UART_RX)
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', which the link needs")
endif()

target_sources(agent PRIVATE
  port/lpc8xx/port.c port/lpc8xx/uart.c port/lpc8xx/vectors.c
  port/uart/idle.c port/armv6m/systick.c port/absent/store.c port/absent/stop.c)
target_include_directories(agent PRIVATE port/lpc8xx)
# Words 0 to 6 are the stack, the reset vector, and startup_fault five times; vectors are odd, symbols here are not.
target_link_options(agent PRIVATE
  "LINKER:--defsym=lpc8xx_checksum=(0-stack_top-startup_reset-1-5*(startup_fault+1))&0xffffffff")
include(port/uart/uart.cmake)
include(port/marker/marker.cmake)
include(port/armv6m/link.cmake)
