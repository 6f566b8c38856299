#include <fmt/format.h>

#include <charconv>

#include "base/glob.h"
#include "base/json_scanner.h"
#include "skald/cqrs/json.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kShownBytesMax = 40;

// What stands where something else was expected, short enough for a message.
std::string shown(std::string_view text) {
    JsonScanner scanner(text);
    std::string_view slice;
    if (scanner.at_end()) {
        return "the end";
    }
    if (!scanner.value(slice)) {
        return "text that is not JSON";
    }
    if (slice.size() > kShownBytesMax) {
        std::size_t end = kShownBytesMax;
        while ((static_cast<unsigned char>(slice[end]) & 0xc0U) == 0x80U) {
            --end;  // inside a character
        }
        return fmt::format("{}...", slice.substr(0, end));
    }
    return std::string(slice);
}

template <typename Number>
bool parse_whole(std::string_view digits, Number& value) {
    const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return end.ec == std::errc() && end.ptr == digits.data() + digits.size();
}

bool opens_number(std::string_view slice) {
    return !slice.empty() && (slice[0] == '-' || (slice[0] >= '0' && slice[0] <= '9'));
}

}  // namespace

JsonReader::JsonReader(std::string_view text) : text_(text) {
    if (!is_utf8(text)) {
        failure_ = "expected JSON in UTF-8, found bytes that are not UTF-8";
    }
}

// Leaves the value in [value_at_, at_).
bool JsonReader::take_slice(std::string_view expected) {
    if (failed()) {
        return false;
    }
    JsonScanner scanner(text_.substr(at_));
    std::string_view slice;
    scanner.peek();
    value_at_ = at_ + scanner.at();
    if (!scanner.value(slice)) {
        return fail(expected);
    }
    at_ += scanner.at();
    return true;
}

bool JsonReader::take(char c) {
    JsonScanner scanner(text_.substr(at_));
    if (failed() || !scanner.punctuation(c)) {
        return false;
    }
    value_at_ = at_ + scanner.at() - 1;
    at_ += scanner.at();
    return true;
}

bool JsonReader::null() {
    JsonScanner scanner(text_.substr(at_));
    if (failed() || scanner.peek() != 'n') {
        return false;
    }
    return take_slice("null");
}

bool JsonReader::boolean(bool& value) {
    if (!take_slice("true or false")) {
        return false;
    }
    const std::string_view slice = text_.substr(value_at_, at_ - value_at_);
    if (slice != "true" && slice != "false") {
        return fail("true or false");
    }
    value = slice == "true";
    return true;
}

template <typename Int>
bool JsonReader::integer(Int& value, std::string_view expected) {
    if (!take_slice(expected)) {
        return false;
    }
    const std::string_view slice = text_.substr(value_at_, at_ - value_at_);
    return opens_number(slice) && parse_whole(slice, value) ? true : fail(expected);
}

bool JsonReader::signed_integer(std::int64_t& value) {
    return integer(value, "an integer of 64 bits");
}

bool JsonReader::unsigned_integer(std::uint64_t& value) {
    return integer(value, "an unsigned integer of 64 bits");
}

bool JsonReader::number(double& value) {
    if (!take_slice("a number")) {
        return false;
    }
    const std::string_view slice = text_.substr(value_at_, at_ - value_at_);
    return opens_number(slice) && parse_whole(slice, value) ? true : fail("a number");
}

bool JsonReader::text(std::string& value) {
    if (failed()) {
        return false;
    }
    JsonScanner scanner(text_.substr(at_));
    scanner.peek();
    value_at_ = at_ + scanner.at();
    if (!scanner.string(value)) {
        return fail("a string");
    }
    at_ += scanner.at();
    return true;
}

bool JsonReader::enter(char open, std::string_view expected) {
    if (failed()) {
        return false;
    }
    JsonScanner scanner(text_.substr(at_));
    scanner.peek();
    value_at_ = at_ + scanner.at();
    if (!take(open)) {
        return fail(expected);
    }
    if (++depth_ > kJsonDepthMax) {
        return fail(fmt::format("at most {} values inside each other", kJsonDepthMax));
    }
    first_ = true;
    return true;
}

// Between two items: a comma, or the end.
bool JsonReader::more(char close) {
    if (failed()) {
        return false;
    }
    if (take(close)) {
        --depth_;
        first_ = false;
        return false;
    }
    if (!first_ && !take(',')) {
        value_at_ = at_;
        return fail(close == ']' ? ", or ]" : ", or }");
    }
    first_ = false;
    return true;
}

bool JsonReader::begin_list() {
    return enter('[', "a list");
}

bool JsonReader::next_item() {
    return more(']');
}

bool JsonReader::begin_record() {
    return enter('{', "an object");
}

bool JsonReader::next_key(std::string_view& name) {
    if (!more('}') || !text(key_)) {
        return false;
    }
    if (!take(':')) {
        value_at_ = at_;
        return fail("a colon");
    }
    name = key_;
    return true;
}

bool JsonReader::skip() {
    return take_slice("a value");
}

bool JsonReader::fail(std::string_view expected) {
    if (!failed()) {
        failure_ = fmt::format("expected {}, found {}", expected, shown(text_.substr(value_at_)));
    }
    return false;
}

void JsonReader::missing(std::string_view field) {
    if (!failed()) {
        failure_ = fmt::format("expected a field {}, found none", field);
    }
}

void JsonReader::inside(std::string_view field) {
    path_ = path_.empty() ? std::string(field) : fmt::format("{}.{}", field, path_);
}

Result<void> JsonReader::finish() {
    if (!failed()) {
        JsonScanner scanner(text_.substr(at_));
        if (!scanner.at_end()) {
            failure_ = fmt::format("expected nothing more, found {}", shown(text_.substr(at_)));
        }
    }
    if (failed()) {
        return Error(Errc::malformed,
                     path_.empty() ? failure_ : fmt::format("field {}: {}", path_, failure_));
    }
    return {};
}

}  // namespace skald::cqrs
