#include "tests/crash/plan.h"

#include <cstring>

namespace skald::crash {
namespace {

constexpr std::uint8_t kIdMark = 0xc7;

std::string data_of(std::uint64_t dice, std::size_t bytes) {
    std::string data(bytes, '.');
    for (std::size_t i = 0; i < bytes; i += 8) {
        dice = mix(dice);
        std::memcpy(data.data() + i, &dice, std::min<std::size_t>(8, bytes - i));
    }
    return data;
}

// Mostly small; some span pages, so that they lie outside the tree's own pages.
std::size_t size_of(std::uint64_t dice) {
    return dice % 16 == 0 ? 3000 + dice / 16 % 14000 : 16 + dice / 16 % 300;
}

}  // namespace

std::uint64_t mix(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15ULL;
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31U);
}

Uuid id_of(std::uint64_t seed, EventKey key) {
    Uuid id;
    const auto tag = static_cast<std::uint16_t>(mix(seed));
    id.bytes[0] = kIdMark;
    id.bytes[1] = static_cast<std::uint8_t>(key.lane);
    std::memcpy(id.bytes.data() + 2, &tag, sizeof tag);
    std::memcpy(id.bytes.data() + 4, &key.index, sizeof key.index);
    std::memcpy(id.bytes.data() + 8, &key.sequence, sizeof key.sequence);
    return id;
}

std::optional<EventKey> key_of(std::uint64_t seed, const Uuid& id) {
    EventKey key;
    key.lane = id.bytes[1];
    std::memcpy(&key.index, id.bytes.data() + 4, sizeof key.index);
    std::memcpy(&key.sequence, id.bytes.data() + 8, sizeof key.sequence);
    return id_of(seed, key) == id ? std::optional(key) : std::nullopt;
}

Uuid Lane::producer_id() const {
    Uuid id = id_of(seed_, {lane_, 0xffff, 0});
    id.bytes[0] = 0x9d;
    return id;
}

std::string Lane::stream(std::string_view kind, std::uint64_t number) const {
    const bool shared = kind == "shared";
    return std::string(kind) + (shared ? "" : "-" + std::to_string(lane_)) + "-" +
           std::to_string(number) + (lane_ % 2 == 0 ? "{a}" : "{b}");
}

StreamAppend Lane::exact(std::uint64_t dice, std::size_t events) {
    const std::size_t number = dice % kStreams;
    std::uint64_t& next = versions_[number];
    StreamAppend append{stream("exact", number),
                        next == 0 ? Expected::no_stream() : Expected::exact(next - 1),
                        std::vector<NewEvent>(events)};
    next += events;
    return append;
}

StreamAppend Lane::open(std::string_view kind, std::uint64_t dice, std::size_t events) {
    return {stream(kind, dice % kStreams), Expected::any(), std::vector<NewEvent>(events)};
}

void Lane::fill(Append& request, std::uint64_t dice) const {
    std::uint16_t index = 0;
    for (StreamAppend& stream : request.streams) {
        for (NewEvent& event : stream.events) {
            dice = mix(dice);
            event.id = id_of(seed_, {lane_, index, sequence_});
            event.type = "Kind" + std::to_string(dice % 7);
            event.data = data_of(dice, size_of(dice >> 8U));
            if (dice % 5 == 0) {
                event.tags = {"tag" + std::to_string(dice % 9)};
                event.correlation_id = "c" + std::to_string(dice % 11);
            }
            ++index;
        }
    }
}

Append Lane::next() {
    const std::uint64_t dice = mix(mix(seed_ + lane_) ^ sequence_);
    const std::size_t some = 2 + dice / 64 % 4;
    Append request;
    switch (dice % 8) {
        case 0:
        case 1:
            request.streams.push_back(exact(dice / 8, 1));
            break;
        case 2:
            request.streams.push_back(exact(dice / 8, some));
            break;
        case 3:
            request.streams.push_back(exact(dice / 8, 1));
            request.streams.push_back(open("free", dice / 8, 1));
            request.streams.push_back(open("shared", dice / 8, some));
            break;
        case 4:
            request.streams.push_back(open("free", dice / 8, some));
            request.check_ids = true;
            break;
        case 5:
            request.streams.push_back(open("shared", dice / 8, 1));
            break;
        default:
            request.streams.push_back(open("free", dice / 8, 1));
            break;
    }
    request.check_ids = request.check_ids || lane_ == kOutsideLane;
    fill(request, dice);
    ++sequence_;
    return request;
}

void Lane::skip_to(std::uint64_t sequence) {
    while (sequence_ < sequence) {
        next();
    }
}

}  // namespace skald::crash
