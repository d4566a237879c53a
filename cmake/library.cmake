# libsandpit.so: every module in one shared library. Only what include/sandpit/ marks SANDPIT_API is visible.
# Embedders link it; our own programs link the static modules.
set(sandpit_modules base egress sys config runtime policy lint plan engine supervisor codec service)
set(sandpit_objects)
set(sandpit_targets)
foreach(module ${sandpit_modules})
  if(TARGET sp_${module})
    list(APPEND sandpit_objects $<TARGET_OBJECTS:sp_${module}>)
    list(APPEND sandpit_targets sp_${module})
  endif()
endforeach()
add_library(sandpit_lib SHARED ${sandpit_objects})
add_dependencies(sandpit_lib ${sandpit_targets})
set_target_properties(sandpit_lib PROPERTIES
  OUTPUT_NAME sandpit
  EXPORT_NAME sandpit
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_libraries(sandpit_lib PRIVATE sp_options)
target_link_options(sandpit_lib PRIVATE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/sandpit.map)
set_property(TARGET sandpit_lib APPEND PROPERTY LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/sandpit.map)
target_include_directories(sandpit_lib INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(sandpit_lib INTERFACE cxx_std_23)
if(NOT SANDPIT_SANITIZE)
  # An unresolved symbol is our build's error, not the embedder's.
  target_link_options(sandpit_lib PRIVATE -Wl,-z,defs)
endif()
