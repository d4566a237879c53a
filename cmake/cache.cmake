# Compiler cache outside the clone, shared by every clone of this user: a second fresh clone builds in seconds.
# SANDPIT_CACHE, else XDG_CACHE_HOME/sandpit, else ~/.cache/sandpit. An explicit launcher (-DCMAKE_CXX_COMPILER_LAUNCHER=…,
# also empty) wins.
if(DEFINED ENV{SANDPIT_CACHE} AND NOT "$ENV{SANDPIT_CACHE}" STREQUAL "")
  set(SANDPIT_CACHE_DIR "$ENV{SANDPIT_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(SANDPIT_CACHE_DIR "$ENV{XDG_CACHE_HOME}/sandpit")
else()
  set(SANDPIT_CACHE_DIR "$ENV{HOME}/.cache/sandpit")
endif()

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(SANDPIT_CCACHE ccache)
  find_program(SANDPIT_ENV env)
  mark_as_advanced(SANDPIT_CCACHE SANDPIT_ENV)
  if(SANDPIT_CCACHE AND SANDPIT_ENV)
    # Set here and not in the presets: `ninja` and `cmake --build` must see the same values as the configure step did.
    # base_dir rewrites absolute paths below the clone to relative ones, nohashdir keeps the build directory out of the key.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SANDPIT_ENV} CCACHE_DIR=${SANDPIT_CACHE_DIR}/ccache CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
        CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G ${SANDPIT_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
endif()
