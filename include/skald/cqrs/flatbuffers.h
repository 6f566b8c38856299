// FlatBuffers tables as the data of events: the event is the struct of the object API (flatc
// --gen-object-api), described from outside:
//
//     template <>
//     struct skald::cqrs::Describe<shop::OrderedT> {
//         static auto describe() {
//             return event<shop::OrderedT>("Ordered", 1)
//                 .codec(flat_table<shop::Ordered, flatbuffers::FlatBufferBuilder,
//                                   flatbuffers::Verifier>());
//         }
//     };
//
// FlatBuffers reads old and new tables by itself; schema versions are for what it cannot. Data that
// the verifier refuses is malformed. This header includes nothing of FlatBuffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "skald/cqrs/codec.h"

namespace skald::cqrs {

inline constexpr std::string_view kContentTypeFlat = "application/x-flatbuffers";

template <typename Table, typename Builder, typename Verifier>
Codec<typename Table::NativeTableType> flat_table() {
    using Native = typename Table::NativeTableType;
    Codec<Native> codec;
    codec.content_type = kContentTypeFlat;
    codec.encode = [](const Native& value) -> Result<std::string> {
        Builder builder;
        builder.Finish(Table::Pack(builder, &value));
        return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                           builder.GetSize());
    };
    codec.decode = [](std::string_view data, Native& value) -> Result<void> {
        // Tables are read in place, and a log gives its data at any address.
        const auto words = std::make_unique<std::uint64_t[]>(data.size() / 8 + 1);
        if (!data.empty()) {
            std::memcpy(words.get(), data.data(), data.size());
        }
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.get());
        Verifier verifier(bytes, data.size());
        if (!verifier.template VerifyBuffer<Table>(nullptr)) {
            return Error(Errc::malformed, "expected a FlatBuffers table, found other data");
        }
        std::uint32_t root = 0;  // the format's first word: where the table is, little endian
        std::memcpy(&root, bytes, sizeof root);
        reinterpret_cast<const Table*>(bytes + root)->UnPackTo(&value);
        return {};
    };
    return codec;
}

}  // namespace skald::cqrs
