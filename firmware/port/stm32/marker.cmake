# The marker of an STM32: any pin of ports A, B, C but those of USART2 and of the debugger, or none.
if(HIL_MARKER STREQUAL "PA13" OR HIL_MARKER STREQUAL "PA14" OR HIL_MARKER STREQUAL HIL_UART_TX OR HIL_MARKER STREQUAL HIL_UART_RX)
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', which the link or the debugger needs")
elseif(HIL_MARKER MATCHES "^P([ABC])([0-9]|1[0-5])$")
  string(FIND "ABC" ${CMAKE_MATCH_1} port_number)
  target_compile_definitions(agent PRIVATE BOARD_MARKER_PORT=${port_number}u BOARD_MARKER_PIN=${CMAKE_MATCH_2}u)
elseif(NOT HIL_MARKER STREQUAL "")
  message(FATAL_ERROR "HIL_MARKER is '${HIL_MARKER}', not a pin of ${marker_family} (PA0 to PC15)")
endif()
