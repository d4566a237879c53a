// java(1) looks up JVM_FindClassFromBootLoader among all symbols of its process, ours first, when
// its machine has started, to find the class that loads the main class (LoadMainClass() in the
// JDK's launcher, java.c; tried with 17). So it waits here, on the thread that is to run the
// program, and is then told another main class and other arguments than those of its command line:
// by functions in the place of those of JNI's that the launcher makes Java strings with. They are
// taken away again before the first class of the program is initialised. A launcher that does it in
// another way goes on with its command line, finds no class of that name, and ends.
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "engine/warm/library.h"
#include "engine/warm/run_image.h"

namespace sandpit::warm {
namespace {

// Of JNI as far as it is needed: the first field of a JNIEnv is the table of its functions, whose
// places are part of the specification (Java Native Interface, chapter 4).
using Object = void*;
using Method = void*;
struct Environment {
  void** functions;
};
enum Place : std::size_t {
  kGetVersion = 4,
  kExceptionClear = 17,
  kDeleteLocalRef = 23,
  kGetStaticMethodID = 113,
  kCallStaticObjectMethod = 114,
  kNewStringUTF = 167,
  kNewObjectArray = 172,
  kSetObjectArrayElement = 174,
  kNewByteArray = 176,
  kSetByteArrayRegion = 208,
};
constexpr std::size_t kMostPlaces = 240;
// How many there are: 234 up to Java 18, 235 up to 23. Behind the end of a later table lies what
// the machine has there; it is copied along, and never used.
std::size_t places_of(int version) {
  constexpr int kVersion19 = 0x00130000;
  constexpr int kVersion24 = 0x00180000;
  if (version < kVersion19) return 234;
  return version < kVersion24 ? 235 : kMostPlaces;
}

constexpr const char* kLauncherHelper = "sun/launcher/LauncherHelper";
constexpr unsigned char kTrue = 1;

void** original = nullptr;
void* replaced[kMostPlaces];
char main_class[4096];
Words run;

using FindClass = Object(Environment*, const char*);

FindClass* real_find() {
  static auto* const kReal = reinterpret_cast<FindClass*>(  // NOLINT(*-reinterpret-cast)
      ::dlsym(RTLD_NEXT, "JVM_FindClassFromBootLoader"));
  return kReal;
}

template <class... Arguments>
Object call(Environment* env, Place place, Arguments... arguments) {
  // NOLINTNEXTLINE(*-reinterpret-cast)
  auto* const function = reinterpret_cast<Object (*)(Environment*, Arguments...)>(original[place]);
  return function(env, arguments...);
}

// As the launcher makes one: of bytes in the platform's own encoding.
Object string_of(Environment* env, const char* bytes, std::size_t size) {
  auto* const helper = real_find()(env, kLauncherHelper);
  auto* const make =
      call(env, kGetStaticMethodID, helper, "makePlatformString", "(Z[B)Ljava/lang/String;");
  auto* const array = call(env, kNewByteArray, static_cast<int>(size));
  if (make == nullptr || array == nullptr) return nullptr;
  (void)call(env, kSetByteArrayRegion, array, 0, static_cast<int>(size), bytes);
  // Variable arguments: a byte goes as an int does.
  using Variadic = Object(Environment*, Object, Method, ...);
  auto* const function =
      reinterpret_cast<Variadic*>(original[kCallStaticObjectMethod]);  // NOLINT(*-cast)
  auto* const made = function(env, helper, make, static_cast<int>(kTrue), array);
  (void)call(env, kDeleteLocalRef, array);
  (void)call(env, kDeleteLocalRef, helper);
  return made;
}

// The next word after `at`, or null.
const char* next_word(const char* at) {
  at += ::strlen(at) + 1;
  return at < run.bytes + run.size ? at : nullptr;
}

// The launcher makes its string of the main class's name from an array of bytes, which it fills
// once; what comes after (the loader reading class files) is none of ours.
Object new_byte_array(Environment* env, int /*size*/) {
  return call(env, kNewByteArray, static_cast<int>(::strlen(main_class)));
}

void set_byte_array_region(Environment* env, Object array, int /*start*/, int /*size*/,
                           const void* /*bytes*/) {
  replaced[kNewByteArray] = original[kNewByteArray];
  replaced[kSetByteArrayRegion] = original[kSetByteArrayRegion];
  (void)call(env, kSetByteArrayRegion, array, 0, static_cast<int>(::strlen(main_class)),
             static_cast<const void*>(main_class));
}

// Others may make arrays before the launcher does.
bool is_launcher(void* caller) {
  Dl_info info{};
  return ::dladdr(caller, &info) != 0 && info.dli_fname != nullptr &&
         ::strstr(info.dli_fname, "libjli") != nullptr;
}

// The array of main's arguments, of which the command line has none.
Object new_object_array(Environment* env, int size, Object type, Object initial) {
  const bool is_ours = size == 0 && is_launcher(__builtin_return_address(0));
  if (!is_ours) return call(env, kNewObjectArray, size, type, initial);
  env->functions = original;
  for (const char* word = next_word(run.bytes); word != nullptr; word = next_word(word)) ++size;
  auto* const array = call(env, kNewObjectArray, size, type, initial);
  int index = 0;
  for (const char* word = next_word(run.bytes); word != nullptr && array != nullptr;
       word = next_word(word)) {
    auto* const text = string_of(env, word, ::strlen(word));
    if (text == nullptr) return nullptr;  // an exception is on its way
    (void)call(env, kSetObjectArrayElement, array, index++, text);
    (void)call(env, kDeleteLocalRef, text);
  }
  return array;
}

// The first line of the file that the record names as the program.
bool read_main_class() {
  const int file = ::open(run.bytes, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t size = ::read(file, main_class, sizeof main_class - 1);
  ::close(file);
  if (size <= 0) return false;
  main_class[size] = '\0';
  char* const end = ::strchr(main_class, '\n');
  if (end != nullptr) *end = '\0';
  return end != nullptr && end != main_class;
}

// As the launcher tells it the machine: the class and the arguments, with spaces between them.
void set_command(Environment* env) {
  static char command[kLargestImage + sizeof main_class];
  std::size_t size = ::strlen(main_class);
  // NOLINTBEGIN(bugprone-not-null-terminated-result): its size goes along
  std::memcpy(command, main_class, size);
  for (const char* word = next_word(run.bytes); word != nullptr; word = next_word(word)) {
    command[size++] = ' ';
    std::memcpy(command + size, word, ::strlen(word));
    size += ::strlen(word);
  }
  // NOLINTEND(bugprone-not-null-terminated-result)
  auto* const value = string_of(env, command, size);
  auto* const system = real_find()(env, "java/lang/System");
  auto* const name = call(env, kNewStringUTF, "sun.java.command");
  auto* const set = call(env, kGetStaticMethodID, system, "setProperty",
                         "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/String;");
  using Variadic = Object(Environment*, Object, Method, ...);
  auto* const function =
      reinterpret_cast<Variadic*>(original[kCallStaticObjectMethod]);  // NOLINT(*-cast)
  if (value != nullptr && name != nullptr && set != nullptr) {
    auto* const before = function(env, system, set, name, value);
    (void)call(env, kDeleteLocalRef, before);
  }
  (void)call(env, kExceptionClear);
  for (auto* const object : {value, name, system}) (void)call(env, kDeleteLocalRef, object);
}

void begin(Environment* env) {
  original = env->functions;
  run = words_of_run();
  if (run.bytes == nullptr || !read_main_class()) return;
  set_command(env);
  // NOLINTNEXTLINE(*-reinterpret-cast)
  const int version = reinterpret_cast<int (*)(Environment*)>(original[kGetVersion])(env);
  std::memcpy(static_cast<void*>(replaced), static_cast<const void*>(original),
              places_of(version) * sizeof *original);
  // NOLINTBEGIN(*-reinterpret-cast)
  replaced[kNewByteArray] = reinterpret_cast<void*>(new_byte_array);
  replaced[kSetByteArrayRegion] = reinterpret_cast<void*>(set_byte_array_region);
  replaced[kNewObjectArray] = reinterpret_cast<void*>(new_object_array);
  // NOLINTEND(*-reinterpret-cast)
  env->functions = replaced;
}

}  // namespace
}  // namespace sandpit::warm

// NOLINTNEXTLINE(readability-identifier-naming): the JDK's name
SP_INTERPOSE void* JVM_FindClassFromBootLoader(void* env, const char* name) {
  using sandpit::warm::Environment;
  auto* const environment = static_cast<Environment*>(env);
  const bool launching = ::strcmp(name, sandpit::warm::kLauncherHelper) == 0;
  if (launching && sandpit::warm::waited_at(sandpit::warm::kJavaTrigger)) {
    sandpit::warm::begin(environment);
  }
  auto* const real = sandpit::warm::real_find();
  return real == nullptr ? nullptr : real(environment, name);
}
