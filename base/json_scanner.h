// Walks JSON text without building anything: values are checked (RFC 8259) and given as slices of
// the text, so that numbers and spelling stay what they were. Bytes outside ASCII are not looked
// at: callers check is_utf8 first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skald {

// Arrays and objects inside each other, unless told less; deeper text is refused.
inline constexpr int kJsonDepthMax = 512;

class JsonScanner {
  public:
    explicit JsonScanner(std::string_view text, int depth = kJsonDepthMax)
        : text_(text), depth_(depth) {}

    // Each steps over white space first. On false nothing is said about where it stands, except
    // that at() is the place of what was not understood.
    bool value(std::string_view& slice);
    bool string(std::string& decoded);
    bool punctuation(char c) {
        if (peek() != c || at_ == text_.size()) {
            return false;
        }
        ++at_;
        return true;
    }
    bool at_end() {
        skip_space();
        return at_ == text_.size();
    }

    // What begins here: one of { [ " t f n - 0..9, or 0 at the end.
    char peek() {
        skip_space();
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    std::size_t at() const { return at_; }

  private:
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\t' || text_[at_] == '\r')) {
            ++at_;
        }
    }
    void skip_plain();
    bool skip_value(int depth);
    bool skip_container(char close, int depth);
    bool skip_string();
    bool skip_escape();
    bool skip_number();
    bool skip_digits();
    bool skip_word(std::string_view word);
    bool decode_escape(std::string& decoded);
    bool hex4(unsigned& unit);

    std::string_view text_;
    int depth_;
    std::size_t at_ = 0;
    bool escaped_ = false;  // the string stepped over last has an escape
};

// One JSON value and nothing else, in UTF-8.
bool is_json(std::string_view text);

// Without the white space around it.
std::string_view trim_json_space(std::string_view text);

}  // namespace skald
