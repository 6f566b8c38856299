// The journal of everything a process did to the files under one directory, in the order it did it.
// The shim writes it, the image builder reads it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skald::crash {

enum class OpKind : std::uint8_t {
    write = 1,  // data, or zeros when the flag says so
    sync,       // everything written to the file before it began
    truncate,   // to `length`
    create,     // the name `name` for the new file `file`
    directory,  // `name` is a new directory
    rename,     // `name` becomes `data`
    unlink,     // `name` is gone
    sync_directory,
    ack,  // data: a record of the ack file
};
inline constexpr std::uint8_t kFlagDurable = 1;  // the descriptor was O_DSYNC or O_SYNC
inline constexpr std::uint8_t kFlagZeros = 2;    // no data follows, all of it is zero
inline constexpr std::uint8_t kFlagDirect = 4;

// As it stands in the file; `name_bytes` and `data_bytes` follow.
struct OpHeader {
    std::uint32_t magic = 0x4a4b4c53;
    OpKind kind = OpKind::write;
    std::uint8_t flags = 0;
    std::uint16_t name_bytes = 0;
    std::uint32_t data_bytes = 0;
    std::uint32_t file = 0;   // a number of its own for every file ever made
    std::uint64_t begin = 0;  // of one count over all threads: taken before the call
    std::uint64_t end = 0;    // and after it
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};
static_assert(sizeof(OpHeader) == 48);

struct Op : OpHeader {
    std::string name;
    std::string data;
    std::uint64_t durable = 0;  // from this count on a cut leaves it whole; UINT64_MAX: never
    bool is(OpKind k) const { return kind == k; }
    bool covers() const { return kind == OpKind::write || kind == OpKind::truncate; }
};

struct Journal {
    std::vector<Op> ops;  // by begin
    std::uint64_t end = 0;
    // Two writes to the same bytes at the same time: whatever stays of them, it was luck.
    std::vector<std::string> races;
};

// Ends the process when the file is no journal.
Journal read_journal(const std::string& path);

}  // namespace skald::crash
