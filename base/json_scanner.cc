#include "base/json_scanner.h"

#include "base/glob.h"

namespace skald {
namespace {

constexpr std::string_view kSpace = " \t\n\r";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

int hex_digit(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::size_t kBlock = 16;

// Whether one of a block's bytes ends what stands for itself in a string. Compiles to vectors.
bool any_special(const char* block) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        const auto c = static_cast<unsigned char>(block[i]);
        any = static_cast<unsigned char>(any | (c == '"') | (c == '\\') | (c < 0x20));
    }
    return any != 0;
}

void append_utf8(std::string& out, unsigned code) {
    const auto push = [&out](unsigned byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
        push(code);
    } else if (code < 0x800) {
        push(0xc0 | (code >> 6));
        push(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        push(0xe0 | (code >> 12));
        push(0x80 | ((code >> 6) & 0x3f));
        push(0x80 | (code & 0x3f));
    } else {
        push(0xf0 | (code >> 18));
        push(0x80 | ((code >> 12) & 0x3f));
        push(0x80 | ((code >> 6) & 0x3f));
        push(0x80 | (code & 0x3f));
    }
}

}  // namespace

bool JsonScanner::value(std::string_view& slice) {
    skip_space();
    const std::size_t begin = at_;
    if (!skip_value(depth_)) {
        return false;
    }
    slice = text_.substr(begin, at_ - begin);
    return true;
}

bool JsonScanner::skip_value(int depth) {
    switch (peek()) {
        case '{':
            return skip_container('}', depth);
        case '[':
            return skip_container(']', depth);
        case '"':
            return skip_string();
        case 't':
            return skip_word("true");
        case 'f':
            return skip_word("false");
        case 'n':
            return skip_word("null");
        default:
            return skip_number();
    }
}

bool JsonScanner::skip_container(char close, int depth) {
    if (depth == 0) {
        return false;
    }
    ++at_;
    if (punctuation(close)) {
        return true;
    }
    while (true) {
        if (close == '}' && (peek() != '"' || !skip_string() || !punctuation(':'))) {
            return false;
        }
        if (!skip_value(depth - 1)) {
            return false;
        }
        if (punctuation(close)) {
            return true;
        }
        if (!punctuation(',')) {
            return false;
        }
    }
}

// Steps over what stands for itself in a string, a block at a time, behind where it stands.
void JsonScanner::skip_plain() {
    while (text_.size() - at_ > kBlock && !any_special(&text_[at_ + 1])) {
        at_ += kBlock;
    }
}

bool JsonScanner::skip_string() {
    escaped_ = false;
    for (skip_plain(); ++at_ < text_.size();) {
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            return true;
        }
        if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !skip_escape())) {
            return false;
        }
        if (c == '\\') {
            escaped_ = true;
            skip_plain();
        }
    }
    return false;
}

// Stands at the backslash; ends at the last character of the escape.
bool JsonScanner::skip_escape() {
    ++at_;
    if (at_ == text_.size()) {
        return false;
    }
    if (text_[at_] == 'u') {
        unsigned unit = 0;
        return hex4(unit);
    }
    return std::string_view("\"\\/bfnrt").find(text_[at_]) != std::string_view::npos;
}

// Stands at the `u`; ends at the last of four digits.
bool JsonScanner::hex4(unsigned& unit) {
    unit = 0;
    for (int i = 0; i < 4; ++i) {
        const int digit = at_ + 1 < text_.size() ? hex_digit(text_[at_ + 1]) : -1;
        if (digit < 0) {
            return false;
        }
        ++at_;
        unit = unit * 16 + static_cast<unsigned>(digit);
    }
    return true;
}

bool JsonScanner::skip_digits() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) {
        ++at_;
    }
    return at_ > begin;
}

bool JsonScanner::skip_number() {
    const auto is = [this](char c) { return at_ < text_.size() && text_[at_] == c; };
    at_ += is('-');
    if (is('0')) {
        ++at_;
    } else if (!skip_digits()) {
        return false;
    }
    if (is('.')) {
        ++at_;
        if (!skip_digits()) {
            return false;
        }
    }
    if (is('e') || is('E')) {
        ++at_;
        at_ += is('+') || is('-');
        return skip_digits();
    }
    return true;
}

bool JsonScanner::skip_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) {
        return false;
    }
    at_ += word.size();
    return true;
}

bool JsonScanner::string(std::string& decoded) {
    if (peek() != '"') {
        return false;
    }
    const std::size_t begin = at_ + 1;
    if (!skip_string()) {
        return false;
    }
    const std::string_view body = text_.substr(begin, at_ - 1 - begin);
    if (!escaped_) {
        decoded = body;
        return true;
    }
    decoded.clear();
    JsonScanner inside(body);
    while (inside.at_ < body.size()) {
        if (body[inside.at_] == '\\') {
            if (!inside.decode_escape(decoded)) {
                at_ = begin + inside.at_;
                return false;
            }
        } else {
            decoded += body[inside.at_];
        }
        ++inside.at_;
    }
    return true;
}

// Like skip_escape, for an escape that is known to be well formed; a lone surrogate is refused.
bool JsonScanner::decode_escape(std::string& decoded) {
    static constexpr std::string_view kLetters = "\"\\/bfnrt";
    static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (text_[at_] != 'u') {
        decoded += kMeanings[kLetters.find(text_[at_])];
        return true;
    }
    unsigned code = 0;
    if (!hex4(code) || (code >= 0xdc00 && code <= 0xdfff)) {
        return false;
    }
    if (code >= 0xd800 && code <= 0xdbff) {
        unsigned low = 0;
        if (text_.substr(at_ + 1, 2) != "\\u") {
            return false;
        }
        at_ += 2;
        if (!hex4(low) || low < 0xdc00 || low > 0xdfff) {
            return false;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(decoded, code);
    return true;
}

bool is_json(std::string_view text) {
    JsonScanner scanner(text);
    std::string_view slice;
    return scanner.value(slice) && scanner.at_end() && is_utf8(text);
}

std::string_view trim_json_space(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace skald
