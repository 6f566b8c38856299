// Live queries as messages: begun at a model's service, then polled at a place of it that the reply
// names. docs/read_models.md describes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cqrs/model_messages.h"
#include "skald/cqrs/live_query.h"

namespace skald::cqrs {

struct LiveOpened {
    std::string service;
    static Description<LiveOpened> describe();
};
struct OpenLive {
    using Reply = LiveOpened;
    QueryRows query;             // without limit and after
    std::uint32_t buffered = 0;  // LiveOptions; 0: as many as may be
    static Description<OpenLive> describe();
};

enum class LiveKind : std::uint8_t { snapshot, deltas, resync, ended };
struct LiveChange {
    LiveOp op = LiveOp::put;  // in a snapshot: put
    std::string key;
    std::string row;
    static Description<LiveChange> describe();
};
// A snapshot, the deltas of a commit, or a piece of one of them.
struct LivePart {
    LiveKind kind = LiveKind::deltas;
    std::vector<LiveChange> rows;
    bool more = false;  // the next part goes on with it
    std::string position;
    std::uint32_t version = 0;
    std::string why;          // of a resync
    std::uint32_t error = 0;  // of the end: its code, and its words
    std::string message;
    static Description<LivePart> describe();
};
// A poll that says 0, or the number of the answer before, gets the next one; whoever says the
// number before that gets the last answer once more. Without parts, an answer has no number of its
// own but the one that the poll said.
struct LiveAnswer {
    std::uint64_t number = 0;
    std::vector<LivePart> parts;
    static Description<LiveAnswer> describe();
};
struct PollLive {
    using Reply = LiveAnswer;
    std::uint64_t received = 0;
    std::uint64_t wait_ms = 0;
    static Description<PollLive> describe();
};
struct CloseLive {
    using Reply = Nothing;
    static Description<CloseLive> describe();
};

// As part of an answer: quoted, with what its quotes need.
std::size_t bytes_of(const LiveChange& change);
// A part in which nothing but the end is told.
LivePart ended(const Error& reason);
// malformed for a name that is none.
Result<Resync> resync_of(const LivePart& part);

}  // namespace skald::cqrs
