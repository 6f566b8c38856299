#include "base/json_string.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "base/glob.h"

namespace skald {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How a byte is written inside a string: 0 as it is, 'u' as \u00XX, else behind a backslash.
constexpr std::array<char, 256> make_escapes() {
    std::array<char, 256> escapes{};
    for (std::size_t c = 0; c < 0x20; ++c) {
        escapes[c] = 'u';
    }
    escapes['"'] = '"';
    escapes['\\'] = '\\';
    escapes['\b'] = 'b';
    escapes['\f'] = 'f';
    escapes['\n'] = 'n';
    escapes['\r'] = 'r';
    escapes['\t'] = 't';
    return escapes;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

void append_escaped(std::string& out, std::string_view text) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const char escape = kEscapes[byte];
        if (escape == 0) {
            continue;
        }
        out.append(text, begin, i - begin);
        begin = i + 1;
        if (escape == 'u') {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out += '\\';
            out += escape;
        }
    }
    out.append(text, begin);
}

// How many bytes the well-formed character at the front has; 0 when it is not one.
std::size_t character_bytes(std::string_view text) {
    for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
        if (is_utf8(text.substr(0, n))) {
            return n;
        }
    }
    return 0;
}

std::string repaired(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t n = character_bytes(text);
        out += n == 0 ? kReplacement : text.substr(0, n);
        text.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    if (is_utf8(text)) {
        append_escaped(out, text);
    } else {
        append_escaped(out, repaired(text));
    }
    out += '"';
}

}  // namespace skald
