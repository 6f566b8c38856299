#include "store/index/run_format.h"

#include <cstring>

#include "base/crc32c.h"
#include "store/index/posting_codec.h"

namespace skald::store::index {
namespace {

constexpr unsigned kSingle = 8;
constexpr std::size_t kEntryHeadBytes = 2;

}  // namespace

std::optional<BlockHead> check_block(Bytes block, BlockKind kind, std::uint64_t key) {
    BlockHead head;
    if (block.size() < sizeof head) {
        return std::nullopt;
    }
    std::memcpy(&head, block.data(), sizeof head);
    const std::size_t each = kind == BlockKind::entries ? 4 : 8;
    if (head.version != kRunVersion || head.kind != kind || head.key != key ||
        head.bytes > block.size() || head.bytes < sizeof head ||
        head.count > (head.bytes - sizeof head) / each || head.last_hash < head.first_hash ||
        head.crc != crc32c(block.subspan(sizeof head.crc))) {
        return std::nullopt;
    }
    return head;
}

void seal_block(std::string& block, BlockHead head, std::size_t bytes_min) {
    head.bytes = static_cast<std::uint32_t>(block.size());
    block.resize(std::max(block.size(), bytes_min));
    std::memcpy(block.data(), &head, sizeof head);
    head.crc = crc32c(as_bytes(block).subspan(sizeof head.crc));
    std::memcpy(block.data(), &head, sizeof head);
}

void append_entry(std::string& out, const Entry& entry, std::uint64_t low) {
    const bool single = entry.count == 1;
    out.push_back(static_cast<char>(static_cast<unsigned>(entry.kind) | (single ? kSingle : 0U)));
    out.push_back(static_cast<char>(entry.key.size()));
    out += entry.key;
    put_varint(out, entry.first - low);
    if (entry.kind == EntryKind::stream) {
        put_varint(out, entry.version);
    }
    if (!single) {
        put_varint(out, entry.count);
        put_varint(out, entry.last - entry.first);
        out += entry.tokens;
    }
}

namespace {

bool parse_numbers(Entry& entry, std::string_view rest, bool single, std::uint64_t low) {
    const auto first = take_varint(rest);
    const auto version = entry.kind == EntryKind::stream ? take_varint(rest) : 0;
    if (!first || !version) {
        return false;
    }
    entry.first = low + *first;
    entry.last = entry.first;
    entry.version = *version;
    entry.count = 1;
    if (single) {
        return true;
    }
    const auto count = take_varint(rest);
    const auto span = count ? take_varint(rest) : std::nullopt;
    if (!span || *count < 2 || *count > kEntryPostingsMax || *span < *count - 1) {
        return false;
    }
    entry.count = static_cast<std::uint32_t>(*count);
    entry.last = entry.first + *span;
    entry.tokens = rest;
    return true;
}

}  // namespace

std::optional<Entry> parse_entry(std::string_view text, std::uint64_t low) {
    if (text.size() < kEntryHeadBytes) {
        return std::nullopt;
    }
    const auto head = static_cast<unsigned char>(text[0]);
    const auto key_bytes = static_cast<unsigned char>(text[1]);
    const unsigned kind = head & ~kSingle;
    if (kind >= kEntryKinds || text.size() < kEntryHeadBytes + key_bytes) {
        return std::nullopt;
    }
    Entry entry;
    entry.kind = static_cast<EntryKind>(kind);
    entry.key = text.substr(kEntryHeadBytes, key_bytes);
    if (!parse_numbers(entry, text.substr(kEntryHeadBytes + key_bytes), (head & kSingle) != 0,
                       low)) {
        return std::nullopt;
    }
    return entry;
}

}  // namespace skald::store::index
