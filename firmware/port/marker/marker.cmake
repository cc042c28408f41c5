# A marker, for a family that has a marker_port.h beside its port.
target_sources(agent PRIVATE port/marker/marker.c)
target_include_directories(agent PRIVATE port/marker)
