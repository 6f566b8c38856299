// The parts that several envelopes share, between our structs and FlatBuffers. Private to wire/.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "skald/event_store.h"
#include "wire/messages.h"
#include "wire/protocol_generated.h"

namespace skald::wire::parts {

using Builder = flatbuffers::FlatBufferBuilder;
template <typename T>
using Ref = flatbuffers::Offset<T>;

// ---- to FlatBuffers

fb::Id to_fb(const Uuid& id);
fb::Expected to_fb(const Expected& expected);
Ref<fb::Position> build(Builder& b, const Position& position);
Ref<fb::Start> build(Builder& b, const Start& start);
Ref<fb::Selection> build(Builder& b, const Selection& selection);
Ref<fb::Fault> build(Builder& b, const Error& error);
Ref<fb::StreamInfo> build(Builder& b, const StreamInfo& info);
Ref<fb::LogPartition> build(Builder& b, const PartitionState& state);
Ref<flatbuffers::Vector<const fb::ChunkHead*>> build(Builder& b,
                                                     const std::vector<msg::ChunkHead>& chunks);

// ---- from a verified buffer. An absent table gives the default.

// Why a verified buffer was refused; caught where decoding begins.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename Enum>
void check_range(Enum value, Enum max, const char* what) {
    if (static_cast<int>(value) > static_cast<int>(max)) {
        throw Refused(std::string(what) + " out of range");
    }
}

Uuid from_fb(const fb::Id* id);
std::string text(const flatbuffers::String* string);
std::string text(const flatbuffers::Vector<std::uint8_t>* bytes);
// At most one byte more than may be: enough to be refused by.
std::string short_text(const flatbuffers::String* string, std::size_t bytes_max);
// At most one more than the bounds, and each at most one byte more than its own.
std::vector<std::string> texts(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* strings,
    std::size_t count_max, std::size_t bytes_max);
Expected from_fb(const fb::Expected* expected);
Position from_fb(const fb::Position* position);
Start from_fb(const fb::Start* start);
Selection from_fb(const fb::Selection* selection);
Error from_fb(const fb::Fault* fault);
StreamInfo from_fb(const fb::StreamInfo* info);
PartitionState from_fb(const fb::LogPartition* state);
// Of envelopes about services; Refused for any other.
msg::FromClient service_request(const fb::Envelope& envelope);
msg::FromNode service_message(const fb::Envelope& envelope);
std::vector<msg::ChunkHead> from_fb(const flatbuffers::Vector<const fb::ChunkHead*>* chunks);

// Structs in a vector; FlatBuffers' verifier does not ask it of those, nor its builder of none.
template <typename T>
void check_aligned(const flatbuffers::Vector<const T*>* structs) {
    if (structs != nullptr && structs->size() != 0 &&
        reinterpret_cast<std::uintptr_t>(structs->Data()) % alignof(T) != 0) {
        throw Refused("structs that are not aligned");
    }
}

}  // namespace skald::wire::parts
