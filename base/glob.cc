#include "base/glob.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"

namespace skald {
namespace {

constexpr auto npos = std::string_view::npos;

// The set that begins behind the `[` at pattern[at - 1]: does c belong, and where does it end.
struct SetMatch {
    bool closed = false;
    bool matches = false;
    std::size_t end = 0;
};

SetMatch match_set(std::string_view pattern, std::size_t at, char c) {
    const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
    at += negated;
    bool found = false;
    for (bool first = true; at < pattern.size(); first = false) {
        if (pattern[at] == ']' && !first) {
            return {true, found != negated, at + 1};
        }
        const auto low = static_cast<unsigned char>(pattern[at]);
        auto high = low;
        if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
            high = static_cast<unsigned char>(pattern[at + 2]);
            at += 2;
        }
        const auto byte = static_cast<unsigned char>(c);
        found = found || (low <= byte && byte <= high);
        ++at;
    }
    return {};
}

// Matches the one pattern element at `at` against c; returns where the next begins, or npos.
std::size_t match_one(std::string_view pattern, std::size_t at, char c) {
    if (pattern[at] == '?') {
        return at + 1;
    }
    if (pattern[at] == '[') {
        const SetMatch set = match_set(pattern, at + 1, c);
        if (set.closed) {
            return set.matches ? set.end : npos;
        }
    }
    return pattern[at] == c ? at + 1 : npos;
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) -> unsigned {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return continues(1) ? 2 : 0;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = lead == 0xed ? 0x9f : 0xbf;
        return continues(1, low, high) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
        return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
}

enum ByteClass : std::uint8_t { not_plain = 1, globbing = 2 };

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> classes{};
    for (std::size_t byte = 0; byte < classes.size(); ++byte) {
        classes[byte] = byte < 0x20 || byte >= 0x7f ? not_plain : 0;
    }
    for (const char c : {'*', '?', '[', ']'}) {
        classes[static_cast<unsigned char>(c)] = globbing;
    }
    return classes;
}

constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

// What there is among a name's bytes. Everyday names are plain: one pass tells that they are clean.
unsigned classes_in(std::string_view name) {
    unsigned classes = 0;
    for (const char c : name) {
        classes |= kClasses[static_cast<unsigned char>(c)];
    }
    return classes;
}

// Which rule common to all names is broken; nullptr when none.
const char* broken_rule(std::string_view name, std::size_t bytes_max, unsigned classes) {
    if (name.empty()) {
        return "is empty";
    }
    if (name.size() > bytes_max) {
        return "is longer than 255 bytes";
    }
    if ((classes & not_plain) == 0) {
        return nullptr;
    }
    for (const char c : name) {
        if (is_control(c)) {
            return "has a control character";
        }
    }
    return is_utf8(name) ? nullptr : "is not UTF-8";
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        const std::size_t next = p < pattern.size() ? match_one(pattern, p, text[t]) : npos;
        if (next != npos) {
            p = next;
            ++t;
        } else if (star != npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

bool matches_any(const std::vector<std::string>& globs, std::string_view text) {
    return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
               return glob_match(glob, text);
           });
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) {
        return text;
    }
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) {
        --bytes;
    }
    return text.substr(0, bytes);
}

bool is_utf8(std::string_view text) {
    constexpr std::size_t kBlock = 16;
    // Compiles to vectors.
    const auto is_ascii = [](const char* block) {
        unsigned char all = 0;
        for (std::size_t i = 0; i < kBlock; ++i) {
            all = static_cast<unsigned char>(all | static_cast<unsigned char>(block[i]));
        }
        return all < 0x80;
    };
    for (std::size_t at = 0; at < text.size();) {
        if (text.size() - at >= kBlock && is_ascii(&text[at])) {
            at += kBlock;
            continue;
        }
        const std::size_t length = utf8_length(text, at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

Result<void> check_stream_name(std::string_view name, bool system) {
    const unsigned classes = classes_in(name);
    const char* broken = broken_rule(name, limits::kStreamNameBytesMax, classes);
    if (broken == nullptr && (classes & globbing) != 0) {
        broken = "has one of * ? [ ]";
    }
    if (broken == nullptr && !system && name[0] == '$') {
        broken = "starts with $, which is kept for the system";
    }
    if (broken == nullptr) {
        return {};
    }
    return Error(Errc::invalid_stream_name,
                 fmt::format("stream name {:?} {}", name.substr(0, 300), broken));
}

Result<void> check_type_name(std::string_view name, bool system) {
    const char* broken = broken_rule(name, limits::kTypeBytesMax, classes_in(name));
    if (broken == nullptr && !system && name[0] == '$') {
        broken = "starts with $, which is kept for the system";
    }
    if (broken == nullptr) {
        return {};
    }
    return Error(Errc::invalid_event,
                 fmt::format("event type {:?} {}", name.substr(0, 300), broken));
}

std::string_view category_of(std::string_view stream) {
    int depth = 0;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        if (stream[i] == '{') {
            ++depth;
        } else if (stream[i] == '}' && depth > 0) {
            --depth;
        } else if (stream[i] == '-' && depth == 0) {
            return stream.substr(0, i);
        }
    }
    return stream;
}

std::string_view partition_key_of(std::string_view stream) {
    for (std::size_t open = stream.find('{'); open != npos; open = stream.find('{', open + 1)) {
        const std::size_t close = stream.find('}', open + 1);
        if (close == npos) {
            break;
        }
        if (close > open + 1) {
            return stream.substr(open + 1, close - open - 1);
        }
    }
    return stream;
}

}  // namespace skald
