# The attack programs of `sandpit attest`: those of tests/escape that its catalogue names, beside it in libexec/sandpit/attest.
# What is written in C is built, so that a user's machine needs no compiler.
set(attacks ${PROJECT_SOURCE_DIR}/tests/escape/attacks.json)
set(attest_directory ${PROJECT_BINARY_DIR}/libexec/sandpit/attest)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${attacks})
file(READ ${attacks} catalogue)
string(JSON last LENGTH "${catalogue}")
math(EXPR last "${last} - 1")
set(attack_programs)
foreach(number RANGE ${last})
  string(JSON program GET "${catalogue}" ${number} program)
  list(APPEND attack_programs ${program})
endforeach()
list(REMOVE_DUPLICATES attack_programs)

add_custom_target(attest_programs ALL)
set(attack_scripts)
foreach(program ${attack_programs})
  set(source ${PROJECT_SOURCE_DIR}/tests/escape/programs/${program})
  if(NOT program MATCHES "\\.c$")
    list(APPEND attack_scripts ${source})
    continue()
  endif()
  get_filename_component(name ${program} NAME_WE)
  # As careless as an attacker's own: no warnings, no hardening.
  add_custom_command(OUTPUT ${attest_directory}/${name}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${attest_directory}
    COMMAND ${CMAKE_C_COMPILER} -O1 -w -D_GNU_SOURCE -o ${attest_directory}/${name} ${source} -lpthread
    DEPENDS ${source} ${PROJECT_SOURCE_DIR}/tests/escape/programs/common.h VERBATIM)
  add_custom_target(attack_${name} DEPENDS ${attest_directory}/${name})
  add_dependencies(attest_programs attack_${name})
  install(PROGRAMS ${attest_directory}/${name} DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit/attest)
endforeach()
add_custom_command(OUTPUT ${attest_directory}/attacks.json
  COMMAND ${CMAKE_COMMAND} -E make_directory ${attest_directory}
  COMMAND ${CMAKE_COMMAND} -E copy ${attack_scripts} ${attacks} ${attest_directory}
  DEPENDS ${attack_scripts} ${attacks} VERBATIM)
add_custom_target(attack_scripts DEPENDS ${attest_directory}/attacks.json)
add_dependencies(attest_programs attack_scripts)
install(FILES ${attack_scripts} ${attacks} DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sandpit/attest)
