# Native, and every finding of a sanitizer ends the process.
target_sources(agent PRIVATE port/host/port.c port/host/nothing.c)
foreach(target agent ltc)
  target_compile_options(${target} PRIVATE -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all)
endforeach()
target_link_options(agent PRIVATE -fsanitize=address,undefined)
