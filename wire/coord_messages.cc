#include "wire/coord_messages.h"

#include "wire/coord_generated.h"
#include "wire/payload_parts.h"

namespace skald::wire {
namespace {

using coord::Change;
using coord::Compare;
using coord::Entry;
using coord::KeyRange;
using coord::LeaseId;
using coord::Operation;
using coord::Revision;
using parts::Builder;
using parts::Ref;
using parts::Refused;
using Text = flatbuffers::Vector<std::uint8_t>;

constexpr const char* kRequestIdentifier = "SKC1";
constexpr const char* kReplyIdentifier = "SKD1";
// Of a list: a message of the largest size has no more.
constexpr std::size_t kEntriesMax = std::size_t{1} << 17;

// ---- to FlatBuffers

Ref<Text> build(Builder& b, std::string_view text) {
    return b.CreateVector(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

Ref<Text> build(Builder& b, const std::optional<std::string>& text) {
    return text ? build(b, std::string_view(*text)) : Ref<Text>(0);
}

Ref<fb::CoordCompare> build(Builder& b, const Compare& compare) {
    const auto key = build(b, std::string_view(compare.key));
    const auto value = build(b, std::string_view(compare.value));
    return fb::CreateCoordCompare(b, key, static_cast<fb::CoordField>(compare.field),
                                  static_cast<fb::CoordIs>(compare.is), compare.number, value);
}

struct BuildOperation {
    Ref<fb::CoordOperation> operator()(const coord::Put& put) const {
        const auto key = build(b, std::string_view(put.key));
        const auto value = build(b, std::string_view(put.value));
        return fb::CreateCoordOperation(b, fb::CoordAct::put, key, 0, value, put.lease.value);
    }
    Ref<fb::CoordOperation> operator()(const coord::Erase& erase) const {
        return ranged(fb::CoordAct::erase, erase.keys);
    }
    Ref<fb::CoordOperation> operator()(const coord::Get& get) const {
        return ranged(fb::CoordAct::get, get.keys);
    }
    Ref<fb::CoordOperation> ranged(fb::CoordAct act, const KeyRange& keys) const {
        const auto key = build(b, std::string_view(keys.key));
        const auto end = build(b, keys.end);
        return fb::CreateCoordOperation(b, act, key, end);
    }
    Builder& b;
};

auto build(Builder& b, const std::vector<Operation>& operations) {
    return parts::build_list(
        b, operations, [&b](const Operation& one) { return std::visit(BuildOperation{b}, one); });
}

Ref<fb::CoordEntry> build(Builder& b, const Entry& entry) {
    const auto key = build(b, std::string_view(entry.key));
    const auto value = build(b, std::string_view(entry.value));
    return fb::CreateCoordEntry(b, key, value, entry.created.value, entry.modified.value,
                                entry.version, entry.lease.value);
}

Ref<fb::CoordListing> build(Builder& b, const std::vector<Entry>& entries) {
    return fb::CreateCoordListing(
        b, parts::build_list(b, entries, [&b](const Entry& entry) { return build(b, entry); }));
}

Ref<fb::CoordRevised> build(Builder& b, const CoordRevised& revised) {
    const auto changes = parts::build_list(b, revised.changes, [&b](const Change& change) {
        return fb::CreateCoordChange(b, build(b, change.entry), change.erased);
    });
    return fb::CreateCoordRevised(b, revised.revision.value, changes);
}

fb::CoordEnd to_fb(const std::optional<coord::WatchEnd>& end) {
    if (!end) {
        return fb::CoordEnd::none;
    }
    return *end == coord::WatchEnd::compacted ? fb::CoordEnd::compacted : fb::CoordEnd::lost;
}

// ---- from a verified buffer

std::string text(const Text* text) {
    return text == nullptr ? std::string()
                           : std::string(reinterpret_cast<const char*>(text->data()), text->size());
}

KeyRange read_keys(const Text* key, const Text* end) {
    return {text(key), end == nullptr ? std::nullopt : std::optional(text(end))};
}

std::chrono::milliseconds read_time(std::uint64_t ms) {
    // More than any time that is allowed, so that what carries it out refuses it.
    constexpr std::uint64_t most = std::uint64_t{1} << 40;
    return std::chrono::milliseconds(std::min(ms, most));
}

Compare read_compare(const fb::CoordCompare* compare) {
    parts::check_range(compare->field(), fb::CoordField::MAX, "field");
    parts::check_range(compare->is(), fb::CoordIs::MAX, "comparison");
    return {text(compare->key()), static_cast<Compare::Field>(compare->field()),
            static_cast<Compare::Is>(compare->is()), compare->number(), text(compare->value())};
}

Operation read_operation(const fb::CoordOperation* operation) {
    switch (operation->act()) {
        case fb::CoordAct::put:
            return coord::Put{text(operation->key()), text(operation->value()),
                              LeaseId{operation->lease()}};
        case fb::CoordAct::erase:
            return coord::Erase{read_keys(operation->key(), operation->end())};
        case fb::CoordAct::get:
            return coord::Get{read_keys(operation->key(), operation->end())};
    }
    throw Refused("an operation that is not known");
}

Entry read_entry(const fb::CoordEntry* entry) {
    return {text(entry->key()),          text(entry->value()), Revision{entry->created()},
            Revision{entry->modified()}, entry->version(),     LeaseId{entry->lease()}};
}

Change read_change(const fb::CoordChange* change) {
    if (change->entry() == nullptr) {
        throw Refused("a change of nothing");
    }
    return {read_entry(change->entry()), change->erased()};
}

CoordRequest read_request(const fb::CoordRequest& request) {
    parts::check_range(request.verb(), fb::CoordVerb::MAX, "verb");
    CoordRequest read;
    read.verb = static_cast<CoordVerb>(request.verb());
    read.keys = read_keys(request.key(), request.end());
    read.reading = request.stale() ? coord::Reading::stale : coord::Reading::linearizable;
    read.txn.compares = parts::read_list(request.compares(), kEntriesMax, read_compare);
    read.txn.then = parts::read_list(request.done(), kEntriesMax, read_operation);
    read.txn.otherwise = parts::read_list(request.otherwise(), kEntriesMax, read_operation);
    read.ttl = read_time(request.ttl_ms());
    read.lease = LeaseId{request.lease()};
    read.from = Revision{request.from()};
    read.wait = read_time(request.wait_ms());
    return read;
}

CoordReply read_reply(const fb::CoordReply& reply) {
    parts::check_range(reply.end(), fb::CoordEnd::MAX, "end");
    CoordReply read;
    read.succeeded = reply.succeeded();
    read.revision = Revision{reply.revision()};
    read.found = parts::read_list(reply.found(), kEntriesMax, [](const fb::CoordListing* listing) {
        return parts::read_list(listing->entries(), kEntriesMax, read_entry);
    });
    read.lease = LeaseId{reply.lease()};
    read.news = parts::read_list(reply.news(), kEntriesMax, [](const fb::CoordRevised* revised) {
        return CoordRevised{Revision{revised->revision()},
                            parts::read_list(revised->changes(), kEntriesMax, read_change)};
    });
    if (reply.end() != fb::CoordEnd::none) {
        read.end = reply.end() == fb::CoordEnd::compacted ? coord::WatchEnd::compacted
                                                          : coord::WatchEnd::lost;
    }
    return read;
}

}  // namespace

std::string encode(const CoordRequest& request) {
    Builder b;
    const auto key = build(b, std::string_view(request.keys.key));
    const auto end = build(b, request.keys.end);
    const auto compares = parts::build_list(
        b, request.txn.compares, [&b](const Compare& compare) { return build(b, compare); });
    const auto done = build(b, request.txn.then);
    const auto otherwise = build(b, request.txn.otherwise);
    const auto count = [](std::chrono::milliseconds time) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
    };
    return parts::finished(
        b,
        fb::CreateCoordRequest(b, static_cast<fb::CoordVerb>(request.verb), key, end,
                               request.reading == coord::Reading::stale, compares, done, otherwise,
                               count(request.ttl), request.lease.value, request.from.value,
                               count(request.wait)),
        kRequestIdentifier);
}

std::string encode(const CoordReply& reply) {
    Builder b;
    const auto found = parts::build_list(
        b, reply.found, [&b](const std::vector<Entry>& entries) { return build(b, entries); });
    const auto news = parts::build_list(
        b, reply.news, [&b](const CoordRevised& revised) { return build(b, revised); });
    return parts::finished(b,
                           fb::CreateCoordReply(b, reply.succeeded, reply.revision.value, found,
                                                reply.lease.value, news, to_fb(reply.end)),
                           kReplyIdentifier);
}

Result<CoordRequest> decode_coord_request(Bytes bytes) {
    return parts::decoded<fb::CoordRequest>(bytes, kRequestIdentifier, read_request);
}

Result<CoordReply> decode_coord_reply(Bytes bytes) {
    return parts::decoded<fb::CoordReply>(bytes, kReplyIdentifier, read_reply);
}

}  // namespace skald::wire
