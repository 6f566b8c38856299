// What stands between a program and the file system when shim_calls.cc is preloaded: every call on
// a file under the watched directory goes through the two functions that journal_shim.cc and
// fault_shim.cc each define.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace skald::crash::shim {

// An open descriptor of a watched file.
struct Target {
    enum class Kind : std::uint8_t { none, file, directory, acks };
    Kind kind = Kind::none;
    std::uint32_t file = 0;  // a number of its own for every file ever made
    bool durable = false;    // O_DSYNC or O_SYNC
    bool direct = false;     // O_DIRECT
    std::string name;        // from the watched directory on; empty for itself
};

struct WriteCall {
    const char* call;
    Target target;
    std::uint64_t offset;
    std::vector<iovec> parts;
    std::size_t bytes;
    std::function<long()> perform;
    std::function<long(std::size_t)> perform_some;  // only the first bytes of it
};

struct OtherCall {
    enum class Kind : std::uint8_t { sync, truncate, create, directory, rename, unlink };
    Kind kind;
    const char* call;
    Target target;
    std::string to;            // of a rename
    std::uint64_t length = 0;  // of a truncate
    std::function<int()> perform;
};

long on_write(const WriteCall& write);
int on_call(const OtherCall& call);

Target target_of(int fd);
const char* setting(const char* name);  // of the environment; empty when it is not set

// Appends to a file that is not watched.
void append_raw(int fd, const void* bytes, std::size_t size);
int open_raw(const char* path);

}  // namespace skald::crash::shim
