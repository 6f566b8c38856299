// Logs: one line a message, for people or as JSON.
//
//   2026-01-31T08:00:00.000000Z info  node: listening endpoint=tcp://127.0.0.1:7400
//   {"time":"2026-01-31T08:00:00.000000Z","level":"info","component":"node","message":"listening",...}
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace skald {

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

std::string_view name_of(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view name);
std::optional<LogFormat> parse_log_format(std::string_view name);

// A value beside the message. Numbers and truth values are written bare in JSON.
struct LogField {
    std::string_view key;
    std::string value;
    bool bare = false;

    LogField(std::string_view k, std::string_view text) : key(k), value(text) {}
    LogField(std::string_view k, const char* text) : key(k), value(text) {}
    LogField(std::string_view k, bool truth)
        : key(k), value(truth ? "true" : "false"), bare(true) {}
    template <std::integral Int>
    LogField(std::string_view k, Int number) : key(k), value(std::to_string(number)), bare(true) {}
};

// One line, without its line break.
std::string format_log(LogFormat format, Time time, LogLevel level, std::string_view component,
                       std::string_view message, std::initializer_list<LogField> fields);

// Gets whole lines, with their line break; called from any thread.
using LogSink = std::function<void(std::string_view line)>;
// Standard error, one write a line, so that lines of several threads do not mix.
LogSink log_to_stderr();

// Threads: any. What is below `level` costs a comparison.
class Logger {
  public:
    Logger(LogFormat format, LogLevel level, LogSink sink,
           const Clock& clock = SystemClock::instance())
        : format_(format), level_(level), sink_(std::move(sink)), clock_(clock) {}

    bool wants(LogLevel level) const { return level >= level_; }
    void write(LogLevel level, std::string_view component, std::string_view message,
               std::initializer_list<LogField> fields = {}) const;
    void info(std::string_view component, std::string_view message,
              std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::info, component, message, fields);
    }
    void error(std::string_view component, std::string_view message,
               std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::error, component, message, fields);
    }

  private:
    LogFormat format_;
    LogLevel level_;
    LogSink sink_;
    const Clock& clock_;
};

}  // namespace skald
