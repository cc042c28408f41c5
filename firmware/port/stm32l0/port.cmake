# STM32L0: USART2 with the pins of port A that have it in all of the family. (PA14 has it too, but is SWCLK.)
if(NOT HIL_UART_TX STREQUAL "PA2")
  message(FATAL_ERROR "HIL_UART_TX is '${HIL_UART_TX}', but USART2 of an STM32L0 transmits on PA2")
endif()
if(NOT HIL_UART_RX MATCHES "^PA(3|15)$")
  message(FATAL_ERROR "HIL_UART_RX is '${HIL_UART_RX}', but USART2 of an STM32L0 receives on PA3 or PA15")
endif()
set(HIL_UART_RX_PIN ${CMAKE_MATCH_1})

# The marker: any pin but those of USART2 and of the debugger, or none.
if(HIL_MARKER STREQUAL "PA13" OR HIL_MARKER STREQUAL "PA14" OR HIL_MARKER STREQUAL HIL_UART_TX OR HIL_MARKER STREQUAL HIL_UART_RX)
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', which the link or the debugger needs")
elseif(HIL_MARKER MATCHES "^P([ABC])([0-9]|1[0-5])$")
  string(FIND "ABC" ${CMAKE_MATCH_1} port_number)
  target_compile_definitions(agent PRIVATE BOARD_MARKER_PORT=${port_number}u BOARD_MARKER_PIN=${CMAKE_MATCH_2}u)
elseif(NOT HIL_MARKER STREQUAL "")
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', not a pin of an STM32L0 (PA0 to PC15)")
endif()

target_sources(agent PRIVATE
  port/stm32l0/clock.c port/stm32l0/marker.c port/stm32l0/port.c port/stm32l0/stop.c port/stm32l0/store.c port/stm32l0/vectors.c)
target_compile_definitions(agent PRIVATE BOARD_UART_TX_PIN=2u BOARD_UART_RX_PIN=${HIL_UART_RX_PIN}u)
include(port/armv6m/link.cmake)
