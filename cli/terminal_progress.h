// One line on a terminal that says how far long work is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.h"

namespace skald::cli {

// Nothing is shown in the first second, to anything that is no terminal, or with --quiet. One
// thread.
class TerminalProgress {
  public:
    // `unit` names what update() counts.
    TerminalProgress(const Invocation& invocation, std::string what, std::string unit = "events");
    ~TerminalProgress() { clear(); }
    TerminalProgress(const TerminalProgress&) = delete;
    TerminalProgress& operator=(const TerminalProgress&) = delete;

    // Cheap enough to call for each step. The bar shows done of total; `count` stands beside it.
    void update(std::uint64_t done, std::optional<std::uint64_t> total, std::uint64_t count);
    void clear();

  private:
    std::ostream& err_;
    const Clock& clock_;
    std::string what_;
    std::string unit_;
    bool wanted_;
    bool shown_ = false;
    Monotonic begun_;
    Monotonic next_;
};

// "import  42 %  [=======>      ]  1200 events  ETA 0:12"
struct ProgressState {
    std::uint64_t done = 0;
    std::optional<std::uint64_t> total;
    std::uint64_t count = 0;
    Monotonic elapsed{};
};
std::string progress_line(std::string_view what, std::string_view unit, const ProgressState& state);

}  // namespace skald::cli
