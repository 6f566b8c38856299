#include "skald/position.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace skald {
namespace {

// A token's bytes: u8 version, 16 bytes of cluster, u16 partitions, for each u16 partition, 16
// bytes of lineage, u64 epoch, u64 next, u32 digest; then u32 crc32c of what stands before.
constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 1 + 16 + 2;
constexpr std::size_t kPartitionBytes = 2 + 16 + 8 + 8 + 4;
constexpr std::size_t kCrcBytes = 4;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char byte : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(byte);
        for (count += 8; count >= 6; count -= 6) {
            text += kAlphabet[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        text += kAlphabet[bits << (6 - count) & 63];
    }
    return text;
}

constexpr std::array<std::int8_t, 256> make_digits() {
    std::array<std::int8_t, 256> digits{};
    digits.fill(-1);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
    }
    return digits;
}

constexpr std::array<std::int8_t, 256> kDigits = make_digits();

// nullopt for a foreign character, an impossible length, or bits left over that are not zero: one
// value has one spelling.
std::optional<std::string> decode_base64url(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const int digit = kDigits[static_cast<unsigned char>(c)];
        if (digit < 0) {
            return std::nullopt;
        }
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count & 255);
        }
    }
    const bool whole = count < 6 && (bits & ((1U << count) - 1)) == 0;
    return whole ? std::optional(std::move(bytes)) : std::nullopt;
}

Error invalid(std::string_view why) {
    return {Errc::invalid_position, fmt::format("not a position: {}", why)};
}

PartitionPosition load_partition(const char* at) {
    PartitionPosition position;
    position.partition = Partition{load_le<std::uint16_t>(at)};
    position.lineage = load_as<Uuid>(at + 2);
    position.epoch = Epoch{load_le<std::uint64_t>(at + 18)};
    position.next = Offset{load_le<std::uint64_t>(at + 26)};
    position.digest = load_le<std::uint32_t>(at + 34);
    return position;
}

struct Leads {
    bool a = false;  // somewhere a is ahead
    bool b = false;
};

// Notes who leads in one partition; a missing one stands at its beginning, on any lineage.
void weigh(const PartitionPosition* a, const PartitionPosition* b, Leads& leads) {
    const Offset at_a = a != nullptr ? a->next : Offset{};
    const Offset at_b = b != nullptr ? b->next : Offset{};
    const bool apart = at_a > Offset{} && at_b > Offset{} && a->lineage != b->lineage;
    leads.a = leads.a || apart || at_a > at_b;
    leads.b = leads.b || apart || at_b > at_a;
}

}  // namespace

Order compare(const Position& a, const Position& b) {
    Leads leads;
    auto next_a = a.partitions.begin();
    auto next_b = b.partitions.begin();
    while (next_a != a.partitions.end() || next_b != b.partitions.end()) {
        const bool only_b = next_a == a.partitions.end() ||
                            (next_b != b.partitions.end() && next_b->partition < next_a->partition);
        const bool only_a = next_b == b.partitions.end() ||
                            (next_a != a.partitions.end() && next_a->partition < next_b->partition);
        weigh(only_b ? nullptr : &*next_a, only_a ? nullptr : &*next_b, leads);
        next_a += only_b ? 0 : 1;
        next_b += only_a ? 0 : 1;
    }
    if (a.cluster != b.cluster && !a.partitions.empty() && !b.partitions.empty()) {
        return Order::concurrent;
    }
    if (leads.a) {
        return leads.b ? Order::concurrent : Order::after;
    }
    return leads.b ? Order::before : Order::equal;
}

std::string to_token(const Position& position) {
    std::string bytes(1, kVersion);
    append_as(bytes, position.cluster);
    append_as(bytes, static_cast<std::uint16_t>(position.partitions.size()));
    for (const PartitionPosition& each : position.partitions) {
        append_as(bytes, each.partition.value);
        append_as(bytes, each.lineage);
        append_as(bytes, each.epoch.value);
        append_as(bytes, each.next.value);
        append_as(bytes, each.digest);
    }
    append_as(bytes, crc32c(as_bytes(bytes)));
    return encode_base64url(bytes);
}

Result<Position> parse_position(std::string_view token) {
    constexpr std::size_t kBytesMax =
        kHeadBytes + limits::kPartitionsMax * kPartitionBytes + kCrcBytes;
    if (token.size() > (kBytesMax * 4 + 2) / 3) {
        return invalid("it is too long");
    }
    const auto bytes = decode_base64url(token);
    if (!bytes || bytes->size() < kHeadBytes + kCrcBytes) {
        return invalid("it is no base64url, or too short");
    }
    if ((*bytes)[0] != kVersion) {
        return invalid("it is of a version that is not known here");
    }
    const std::size_t body = bytes->size() - kCrcBytes;
    if (crc32c(as_bytes(*bytes).first(body)) != load_le<std::uint32_t>(bytes->data() + body)) {
        return invalid("a character was lost or changed");
    }
    Position position;
    position.cluster = load_as<Uuid>(bytes->data() + 1);
    const std::size_t count = load_le<std::uint16_t>(bytes->data() + 17);
    if (body != kHeadBytes + count * kPartitionBytes) {
        return invalid("its size is wrong");
    }
    for (std::size_t i = 0; i < count; ++i) {
        position.partitions.push_back(
            load_partition(bytes->data() + kHeadBytes + i * kPartitionBytes));
        const Partition own = position.partitions.back().partition;
        if (own.value >= limits::kPartitionsMax ||
            (i > 0 && own <= position.partitions[i - 1].partition)) {
            return invalid("its partitions are out of order");
        }
    }
    return position;
}

}  // namespace skald
