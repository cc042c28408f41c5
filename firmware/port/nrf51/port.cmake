# nRF51: pins are given as P0.<number>.
foreach(line TX RX)
  if(NOT HIL_UART_${line} MATCHES "^P0\\.([0-9]+)$")
    message(FATAL_ERROR "HIL_UART_${line} is '${HIL_UART_${line}}', not a pin of an nRF51 (P0.0 to P0.31)")
  endif()
  set(HIL_UART_${line}_PIN ${CMAKE_MATCH_1})
endforeach()
if(NOT HIL_MARKER STREQUAL "")
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', but the nRF51's port raises no marker")
endif()

target_sources(agent PRIVATE port/nrf51/absent.c port/nrf51/port.c port/nrf51/vectors.c)
target_compile_definitions(agent PRIVATE
  BOARD_UART_TX_PIN=${HIL_UART_TX_PIN}u BOARD_UART_RX_PIN=${HIL_UART_RX_PIN}u)
include(port/armv6m/link.cmake)
