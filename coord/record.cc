#include "coord/record.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/glob.h"

namespace skald::coord {
namespace {

bool is_text(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max &&
           std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::string text_of(const Record& record) {
    return record.dump(-1, ' ', false, Record::error_handler_t::replace);
}

Record record_of(std::string_view text) {
    Record record = Record::parse(text, nullptr, false);
    return record.is_object() ? record : Record::object();
}

std::string text_in(const Record& record, const char* field) {
    const auto it = record.find(field);
    return it != record.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::int64_t number_in(const Record& record, const char* field) {
    const auto it = record.find(field);
    return it != record.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

Time time_in(const Record& record, const char* field) {
    return Time{number_in(record, field)};
}

Error refused(std::string message) {
    return {Errc::invalid_argument, std::move(message)};
}

Result<void> check_name(std::string_view what, std::string_view name, std::size_t bytes_max) {
    return is_text(name, bytes_max) && name.find('/') == std::string_view::npos
               ? Result<void>()
               : refused(fmt::format("{} has 1-{} bytes without `/`: {:?} has not", what, bytes_max,
                                     name));
}

Result<void> check_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
    return is_text(text, bytes_max) && is_utf8(text)
               ? Result<void>()
               : refused(fmt::format("{} has 1-{} bytes of UTF-8, no control characters", what,
                                     bytes_max));
}

}  // namespace skald::coord
