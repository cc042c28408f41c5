# STM32F0: USART2 with pins of port A. (PA14 has it too, but is SWCLK.)
if(NOT HIL_LINK STREQUAL "uart")
  message(FATAL_ERROR "HIL_LINK is '${HIL_LINK}', but the STM32F0's port has no link over SPI")
endif()
if(NOT HIL_UART_TX STREQUAL "PA2")
  message(FATAL_ERROR "HIL_UART_TX is '${HIL_UART_TX}', but USART2 of an STM32F0 transmits on PA2")
endif()
if(NOT HIL_UART_RX MATCHES "^PA(3|15)$")
  message(FATAL_ERROR "HIL_UART_RX is '${HIL_UART_RX}', but USART2 of an STM32F0 receives on PA3 or PA15")
endif()
target_compile_definitions(agent PRIVATE BOARD_UART_TX_PIN=2u BOARD_UART_RX_PIN=${CMAKE_MATCH_1}u)

set(marker_family "an STM32F0")
include(port/stm32/marker.cmake)

target_sources(agent PRIVATE
  port/stm32f0/clock.c port/stm32f0/port.c port/stm32f0/vectors.c
  port/stm32/usart2.c port/uart/idle.c port/armv6m/systick.c port/absent/store.c port/absent/stop.c)
target_include_directories(agent PRIVATE port/stm32f0 port/stm32)
include(port/uart/uart.cmake)
include(port/marker/marker.cmake)
include(port/armv6m/link.cmake)
