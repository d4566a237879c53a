// SANDPIT_API marks what libsandpit.so exports; everything else in it is hidden. Public.
#pragma once

#define SANDPIT_API __attribute__((visibility("default")))
