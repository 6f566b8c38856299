#include "cli/terminal_progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace skald::cli {
namespace {

constexpr auto kQuietTime = std::chrono::seconds(1);
constexpr auto kBetween = std::chrono::milliseconds(100);
constexpr std::size_t kBarWidth = 24;
constexpr std::string_view kClearLine = "\r\x1b[K";

std::string minutes(double seconds) {
    const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

TerminalProgress::TerminalProgress(const Invocation& invocation, std::string what, std::string unit)
    : err_(invocation.console.err),
      clock_(invocation.console.clock),
      what_(std::move(what)),
      unit_(std::move(unit)),
      wanted_(invocation.console.err_is_terminal && !invocation.globals.quiet),
      begun_(clock_.monotonic()),
      next_(begun_ + kQuietTime) {}

void TerminalProgress::update(std::uint64_t done, std::optional<std::uint64_t> total,
                              std::uint64_t count) {
    if (!wanted_) {
        return;
    }
    const Monotonic now = clock_.monotonic();
    if (now < next_) {
        return;
    }
    next_ = now + kBetween;
    shown_ = true;
    err_ << kClearLine << progress_line(what_, unit_, {done, total, count, now - begun_})
         << std::flush;
}

void TerminalProgress::clear() {
    if (shown_) {
        err_ << kClearLine << std::flush;
        shown_ = false;
    }
}

std::string progress_line(std::string_view what, std::string_view unit,
                          const ProgressState& state) {
    const double seconds = static_cast<double>(state.elapsed.count()) / 1e9;
    const double rate = seconds > 0 ? static_cast<double>(state.count) / seconds : 0;
    const std::string counted = fmt::format("{} {}  {:.0f}/s", state.count, unit, rate);
    if (!state.total || *state.total == 0) {
        return fmt::format("{}  {}", what, counted);
    }
    const double share =
        std::min(1.0, static_cast<double>(state.done) / static_cast<double>(*state.total));
    const auto filled = static_cast<std::size_t>(share * kBarWidth);
    std::string bar(filled, '=');
    if (filled < kBarWidth) {
        bar += '>';
    }
    bar.resize(kBarWidth, ' ');
    const double left = share > 0 ? seconds * (1 - share) / share : 0;
    return fmt::format("{} {:3.0f} %  [{}]  {}  ETA {}", what, share * 100, bar, counted,
                       minutes(left));
}

}  // namespace skald::cli
