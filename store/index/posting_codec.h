// Rising offsets as varints. After the first, which is kept elsewhere, come tokens: an even token
// 2g is one offset, 1 + g above the one before; an odd token 2n + 1 is n offsets, each 1 above the
// one before. Lists of one entry joined to another's are their tokens with one even token between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skald::store::index {

void put_varint(std::string& out, std::uint64_t value);

// Takes a varint off the front. nullopt when the text ends before it does, or it is above 64 bits.
inline std::optional<std::uint64_t> take_varint(std::string_view& text) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < text.size() && i < 10; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        value |= std::uint64_t{byte & 127U} << (7 * i);
        if (byte < 128) {
            text.remove_prefix(i + 1);
            return value;
        }
    }
    return std::nullopt;
}

class PostingEncoder {
  public:
    PostingEncoder(std::string& out, std::uint64_t first) : out_(out), last_(first) {}
    // Above the last.
    void add(std::uint64_t offset);
    void finish();

  private:
    std::string& out_;
    std::uint64_t last_;
    std::uint64_t consecutive_ = 0;
};

// The token that joins a list ending with `last` to one beginning with `next`.
void put_joint(std::string& out, std::uint64_t last, std::uint64_t next);

// Appends `first` and what the tokens say, `count` in all. False when they say otherwise; `out`
// then holds at most `count` more.
bool decode_postings(std::string_view tokens, std::uint64_t first, std::uint32_t count,
                     std::vector<std::uint64_t>& out);

}  // namespace skald::store::index
