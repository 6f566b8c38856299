// Bytes as hex digits, for golden tests.
#pragma once

#include <fstream>
#include <string>
#include <string_view>

namespace skald::wire {

inline std::string to_hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

// Pairs of lower-case digits; anything else between them is skipped.
inline std::string from_hex(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string bytes;
    int high = -1;
    for (const char c : text) {
        const std::size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) {
            continue;
        }
        if (high < 0) {
            high = static_cast<int>(digit);
        } else {
            bytes += static_cast<char>(high * 16 + static_cast<int>(digit));
            high = -1;
        }
    }
    return bytes;
}

// The bytes of a document's code block that is introduced by ```text NAME: lines of `offset: hex
// digits`, among them lines with words that name a section. Empty when a line's offset is not where
// it stands, or there is no such block.
inline std::string fenced(const char* path, const std::string& name) {
    std::ifstream document(path);
    std::string bytes;
    bool inside = false;
    for (std::string line; std::getline(document, line);) {
        if (line.starts_with("```")) {
            inside = line == "```text " + name;
        } else if (const auto colon = line.find(": "); inside && colon != std::string::npos) {
            if (std::stoul(line.substr(0, colon), nullptr, 16) != bytes.size()) {
                return {};
            }
            bytes += from_hex(line.substr(colon + 2));
        }
    }
    return bytes;
}

}  // namespace skald::wire
