// What is asked about read models over services, and answered: messages of a bus (bus.h), stable
// in their JSON, since other languages write and read it. docs/read_models.md describes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skald/cqrs/read_models.h"

namespace skald::cqrs {

// What the service of a read model is called, before its name; and the one that declares
// projections. A model's service answers for that one only.
inline constexpr std::string_view kModelService = "model/";
inline constexpr std::string_view kDeclarationService = "models";

struct Nothing {
    static Description<Nothing> describe() { return record<Nothing>("Nothing"); }
};

// A value as text, or as a C++ program has it: kinds and bytes of key.h.
struct ValueOnWire {
    std::optional<std::string> text;
    std::string kinds;
    std::vector<std::uint8_t> bytes;
    static Description<ValueOnWire> describe();
};
struct FieldOnWire {
    std::string name;
    ValueOnWire value;
    static Description<FieldOnWire> describe();
};
struct BoundOnWire {
    ValueOnWire value;
    bool inclusive = true;
    static Description<BoundOnWire> describe();
};

struct RowsOnWire {
    std::vector<std::string> rows;
    std::string next;
    std::string position;
    std::uint32_t version = 0;
    static Description<RowsOnWire> describe();
};
// RowQuery.
struct QueryRows {
    using Reply = RowsOnWire;
    std::vector<std::string> key;
    std::vector<FieldOnWire> where;
    std::string order;
    std::optional<BoundOnWire> from;
    std::optional<BoundOnWire> to;
    bool descending = false;
    std::uint32_t limit = 100;
    std::string after;
    std::uint32_t version = 0;
    std::string at_least;
    std::uint64_t wait_ms = 0;
    static Description<QueryRows> describe();
};

struct ShowModel {
    using Reply = ModelInfo;
    static Description<ShowModel> describe();
};
struct CreateModel {
    using Reply = ModelBegun;
    std::string file;
    std::string text;
    static Description<CreateModel> describe();
};
struct RebuildModel {
    using Reply = ModelBegun;
    static Description<RebuildModel> describe();
};
struct PromoteModel {
    using Reply = ModelBegun;
    std::uint32_t version = 0;
    std::uint64_t wait_ms = 0;
    static Description<PromoteModel> describe();
};
struct PauseModel {
    using Reply = Nothing;
    static Description<PauseModel> describe();
};
struct ResumeModel {
    using Reply = Nothing;
    static Description<ResumeModel> describe();
};
struct RemoveModel {
    using Reply = Nothing;
    std::string model;
    static Description<RemoveModel> describe();
};
struct ParkedOnWire {
    std::vector<ParkedEvent> events;
    static Description<ParkedOnWire> describe();
};
struct ListParked {
    using Reply = ParkedOnWire;
    std::string key;
    static Description<ListParked> describe();
};
struct ReplayedOnWire {
    std::uint64_t events = 0;
    std::uint32_t error = 0;  // its code; 0: none
    std::string message;
    static Description<ReplayedOnWire> describe();
};
struct ReplayParked {
    using Reply = ReplayedOnWire;
    std::string key;
    static Description<ReplayParked> describe();
};

// StreamAt: `until` as RFC 3339.
struct FoldStream {
    using Reply = StreamState;
    std::string stream;
    std::optional<Version> at;
    std::optional<Time> until;
    static Description<FoldStream> describe();
};

QueryRows on_wire(const RowQuery& query);
// invalid_position.
Result<RowQuery> from_wire(const QueryRows& message);
RowsOnWire on_wire(RowPage page);
Result<RowPage> from_wire(RowsOnWire page);
ReplayedOnWire on_wire(const Replayed& replayed);
Replayed from_wire(const ReplayedOnWire& replayed);

}  // namespace skald::cqrs
