# Start-up code and memory layout common to every Cortex-M0/M0+ board.
target_sources(agent PRIVATE port/armv6m/startup.c port/armv6m/memory.c)
target_include_directories(agent PRIVATE port/armv6m)
# Without it GCC turns the loop in memcpy() into a call of memcpy().
set_source_files_properties(port/armv6m/memory.c PROPERTIES COMPILE_OPTIONS -fno-tree-loop-distribute-patterns)

set(script ${CMAKE_CURRENT_SOURCE_DIR}/port/armv6m/sections.ld)
set_target_properties(agent PROPERTIES LINK_DEPENDS ${script})
target_link_options(agent PRIVATE
  -nostdlib -T${script}
  LINKER:--defsym=FLASH_ORIGIN=${HIL_FLASH_ORIGIN}
  LINKER:--defsym=SLOT_ORIGIN=${HIL_SLOT_ORIGIN}
  LINKER:--defsym=RAM_ORIGIN=${HIL_RAM_ORIGIN}
  LINKER:--defsym=RAM_BYTES=${HIL_RAM_BYTES}
  LINKER:--defsym=STACK_BYTES=${HIL_STACK_BYTES}
  LINKER:--defsym=ARENA_MIN_BYTES=${HIL_ARENA_MIN_BYTES})
target_link_libraries(agent PRIVATE -lgcc)

add_custom_command(TARGET agent POST_BUILD
  COMMAND ${CMAKE_OBJCOPY} -O ihex $<TARGET_FILE:agent> ${CMAKE_BINARY_DIR}/agent.hex
  COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:agent> ${CMAKE_BINARY_DIR}/agent.bin
  VERBATIM)
