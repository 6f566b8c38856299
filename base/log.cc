#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/json_string.h"

namespace skald {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};

// Spaces, quotes and control characters need quotes around; so does nothing at all.
bool is_bare_word(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte != 0x7f && c != '"' && c != '=' && c != '\\';
    });
}

// Control characters must not reach a terminal, nor break the line.
void append_message(std::string& line, std::string_view message) {
    for (const char c : message) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
}

std::string format_text(Time time, LogLevel level, std::string_view component,
                        std::string_view message, std::initializer_list<LogField> fields) {
    std::string line = fmt::format("{} {:<7} {}: ", to_string(time), name_of(level), component);
    append_message(line, message);
    for (const LogField& field : fields) {
        fmt::format_to(std::back_inserter(line), " {}=", field.key);
        if (is_bare_word(field.value)) {
            line += field.value;
        } else {
            append_json_string(line, field.value);
        }
    }
    return line;
}

std::string format_json(Time time, LogLevel level, std::string_view component,
                        std::string_view message, std::initializer_list<LogField> fields) {
    std::string line =
        fmt::format(R"({{"time":"{}","level":"{}","component":)", to_string(time), name_of(level));
    append_json_string(line, component);
    line += ",\"message\":";
    append_json_string(line, message);
    for (const LogField& field : fields) {
        line += ',';
        append_json_string(line, field.key);
        line += ':';
        if (field.bare) {
            line += field.value;
        } else {
            append_json_string(line, field.value);
        }
    }
    line += '}';
    return line;
}

}  // namespace

std::string_view name_of(LogLevel level) {
    return kLevels[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
    const auto found = std::find(kLevels.begin(), kLevels.end(), name);
    if (found == kLevels.end()) {
        return std::nullopt;
    }
    return static_cast<LogLevel>(found - kLevels.begin());
}

std::optional<LogFormat> parse_log_format(std::string_view name) {
    if (name == "text") {
        return LogFormat::text;
    }
    return name == "json" ? std::optional(LogFormat::json) : std::nullopt;
}

std::string format_log(LogFormat format, Time time, LogLevel level, std::string_view component,
                       std::string_view message, std::initializer_list<LogField> fields) {
    return format == LogFormat::json ? format_json(time, level, component, message, fields)
                                     : format_text(time, level, component, message, fields);
}

LogSink log_to_stderr() {
    return [](std::string_view line) {
        // A log that cannot be written has nobody to tell.
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    };
}

void Logger::write(LogLevel level, std::string_view component, std::string_view message,
                   std::initializer_list<LogField> fields) const {
    if (wants(level)) {
        sink_(format_log(format_, clock_.now(), level, component, message, fields) + '\n');
    }
}

}  // namespace skald
