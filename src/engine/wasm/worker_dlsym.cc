// Crates of the Rust side look some functions up by name, since the system they run on may be older
// than them. In a static program dlsym(3) finds nothing, and the random numbers of WASI would come
// from /dev/urandom, which the jail does not have. The linker sends all such calls here (--wrap).
#include <sys/random.h>

#include <string_view>

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker gives the
// name
void* __wrap_dlsym(void* handle, const char* name);

void* __wrap_dlsym(void* /*handle*/, const char* name) {
  if (std::string_view(name) == "getrandom") return reinterpret_cast<void*>(&::getrandom);
  return nullptr;
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}
