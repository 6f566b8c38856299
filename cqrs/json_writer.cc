#include <charconv>
#include <cmath>

#include "base/glob.h"
#include "base/json_string.h"
#include "skald/cqrs/json.h"

namespace skald::cqrs {
namespace {

// The shortest digits that read back as the same number.
template <typename Number>
void append_digits(std::string& out, Number value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end.ptr);
}

}  // namespace

void JsonWriter::separate() {
    if (!first_) {
        out_ += ',';
    }
    first_ = false;
}

void JsonWriter::null() {
    separate();
    out_ += "null";
}

void JsonWriter::boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
}

void JsonWriter::signed_integer(std::int64_t value) {
    separate();
    append_digits(out_, value);
}

void JsonWriter::unsigned_integer(std::uint64_t value) {
    separate();
    append_digits(out_, value);
}

void JsonWriter::number(double value) {
    if (!std::isfinite(value)) {
        fail("JSON has no number that is infinite or none");
        return;
    }
    separate();
    append_digits(out_, value);
}

void JsonWriter::text(std::string_view value) {
    if (!is_utf8(value)) {
        fail("text is not UTF-8");
        return;
    }
    separate();
    append_json_string(out_, value);
}

void JsonWriter::begin_list() {
    separate();
    out_ += '[';
    first_ = true;
}

void JsonWriter::end_list() {
    out_ += ']';
    first_ = false;
}

void JsonWriter::begin_record() {
    separate();
    out_ += '{';
    first_ = true;
}

void JsonWriter::key(std::string_view name) {
    text(name);
    out_ += ':';
    first_ = true;
}

void JsonWriter::end_record() {
    out_ += '}';
    first_ = false;
}

void JsonWriter::fail(std::string_view why) {
    if (failure_.empty()) {
        failure_ = why;
    }
}

Result<std::string> JsonWriter::take() && {
    if (!failure_.empty()) {
        return Error(Errc::invalid_event, std::move(failure_));
    }
    return std::move(out_);
}

}  // namespace skald::cqrs
