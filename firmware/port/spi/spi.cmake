# The board's side of the link over SPI, for a family that has its SPI slave in a file beside its port.
if(NOT HIL_SPI_MODE MATCHES "^[0-3]$")
  message(FATAL_ERROR "HIL_SPI_MODE is '${HIL_SPI_MODE}', not 0 to 3")
endif()
target_sources(agent PRIVATE port/spi/spi_link.c)
target_include_directories(agent PRIVATE port/spi)
target_compile_definitions(agent PRIVATE BOARD_LINK_SPI BOARD_SPI_MODE=${HIL_SPI_MODE}u)
