#include "store/index/posting_codec.h"

namespace skald::store::index {

void put_varint(std::string& out, std::uint64_t value) {
    for (; value >= 128; value >>= 7) {
        out.push_back(static_cast<char>(value | 128));
    }
    out.push_back(static_cast<char>(value));
}

void PostingEncoder::add(std::uint64_t offset) {
    const std::uint64_t gap = offset - last_ - 1;
    last_ = offset;
    if (gap == 0) {
        ++consecutive_;
        return;
    }
    finish();
    put_varint(out_, 2 * gap);
}

void PostingEncoder::finish() {
    if (consecutive_ == 1) {
        put_varint(out_, 0);
    } else if (consecutive_ > 1) {
        put_varint(out_, 2 * consecutive_ + 1);
    }
    consecutive_ = 0;
}

void put_joint(std::string& out, std::uint64_t last, std::uint64_t next) {
    put_varint(out, 2 * (next - last - 1));
}

bool decode_postings(std::string_view tokens, std::uint64_t first, std::uint32_t count,
                     std::vector<std::uint64_t>& out) {
    const std::size_t end = out.size() + count;
    std::uint64_t last = first;
    out.push_back(first);
    while (!tokens.empty()) {
        const auto token = take_varint(tokens);
        if (!token) {
            return false;
        }
        const bool consecutive = (*token & 1) != 0;
        const std::uint64_t n = consecutive ? *token / 2 : 1;
        const std::uint64_t gap = consecutive ? 0 : *token / 2;
        if (n > end - out.size()) {
            return false;
        }
        for (std::uint64_t i = 0; i < n; ++i) {
            last += 1 + gap;
            out.push_back(last);
        }
    }
    return out.size() == end;
}

}  // namespace skald::store::index
