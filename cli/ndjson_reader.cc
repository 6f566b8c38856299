#include "cli/ndjson_reader.h"

#include <algorithm>

namespace skald::cli {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t") == std::string_view::npos;
}

}  // namespace

Result<bool> NdjsonReader::next(Line& line) {
    while (true) {
        std::string_view text;
        bool too_long = false;
        auto got = next_raw(text, too_long);
        if (!got || !*got) {
            return got;
        }
        ++number_;
        if (too_long) {
            line = {number_, {}, true};
            return true;
        }
        if (number_ == 1 && text.starts_with(kByteOrderMark)) {
            text.remove_prefix(kByteOrderMark.size());
        }
        if (text.ends_with('\r')) {
            text.remove_suffix(1);
        }
        if (!is_blank(text)) {
            line = {number_, text};
            return true;
        }
    }
}

Result<bool> NdjsonReader::next_raw(std::string_view& text, bool& too_long) {
    while (true) {
        const std::size_t end = buffer_.find('\n', std::max(at_, searched_));
        if (end != std::string::npos || ended_) {
            const std::size_t stop = std::min(end, buffer_.size());
            text = std::string_view(buffer_).substr(at_, stop - at_);
            too_long = too_long || text.size() > kLineBytesMax;
            const bool any = end != std::string::npos || !text.empty() || too_long;
            at_ = std::min(stop + 1, buffer_.size());
            return any;
        }
        searched_ = buffer_.size();
        if (searched_ - at_ > kLineBytesMax) {
            too_long = true;
        }
        if (too_long) {
            at_ = searched_;
        }
        if (auto filled = fill(); !filled) {
            return filled.error();
        }
    }
}

Result<void> NdjsonReader::fill() {
    buffer_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kReadBytes);
    auto got = source_.read(buffer_.data() + kept, kReadBytes);
    buffer_.resize(kept + (got ? *got : 0));
    if (!got) {
        return got.error();
    }
    ended_ = *got == 0;
    return {};
}

}  // namespace skald::cli
