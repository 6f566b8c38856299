// Lines of text, numbered, out of a source of bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/byte_source.h"

namespace skald::cli {

// A line may take this much: an event at its limit, written as base64, and room around it. A longer
// one is dropped as it is read.
inline constexpr std::size_t kLineBytesMax = 2 << 20;

struct Line {
    std::uint64_t number = 0;  // from 1
    std::string_view text;     // valid until the next call; without the line break
    bool too_long = false;     // beyond kLineBytesMax: there is no text
};

class NdjsonReader {
  public:
    explicit NdjsonReader(ByteSource& source) : source_(source) {}

    // The next line that is not blank; false at the end. A last line may lack its line break; a
    // byte order mark before the first is skipped. Errors are those of the source.
    Result<bool> next(Line& line);

  private:
    Result<bool> next_raw(std::string_view& text, bool& too_long);
    Result<void> fill();

    ByteSource& source_;
    std::string buffer_;
    std::size_t at_ = 0;        // where the next line begins
    std::size_t searched_ = 0;  // up to here there is no line break
    std::uint64_t number_ = 0;
    bool ended_ = false;
};

}  // namespace skald::cli
