# RP2040: UART0 on the pins of bank 0 that have it; pins are given as GP<number>.
if(NOT HIL_LINK STREQUAL "uart")
  message(FATAL_ERROR "HIL_LINK is '${HIL_LINK}', but the RP2040's port has no link over SPI")
endif()
set(pins_TX "0|12|16|28")
set(pins_RX "1|13|17|29")
foreach(line TX RX)
  if(NOT HIL_UART_${line} MATCHES "^GP(${pins_${line}})$")
    message(FATAL_ERROR "HIL_UART_${line} is '${HIL_UART_${line}}', where UART0 of an RP2040 has no ${line}")
  endif()
  target_compile_definitions(agent PRIVATE BOARD_UART_${line}_PIN=${CMAKE_MATCH_1}u)
endforeach()

# The marker: any pin but those of UART0, or none.
if(HIL_MARKER MATCHES "^GP([0-9]|[12][0-9])$" AND NOT HIL_MARKER STREQUAL HIL_UART_TX AND NOT HIL_MARKER STREQUAL HIL_UART_RX)
  target_compile_definitions(agent PRIVATE BOARD_MARKER_PIN=${CMAKE_MATCH_1}u)
elseif(NOT HIL_MARKER STREQUAL "")
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', not a pin of an RP2040 (GP0 to GP29) that the link leaves free")
endif()

target_sources(agent PRIVATE
  port/rp2040/boot.S port/rp2040/clock.c port/rp2040/port.c port/rp2040/uart.c port/rp2040/vectors.c
  port/uart/idle.c port/armv6m/systick.c port/absent/store.c port/absent/stop.c)
target_include_directories(agent PRIVATE port/rp2040)
include(port/uart/uart.cmake)
include(port/marker/marker.cmake)
include(port/armv6m/link.cmake)
