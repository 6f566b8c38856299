#include "wire/replica_messages.h"

#include <fmt/format.h>

#include "wire/payload_parts.h"
#include "wire/replica_generated.h"

namespace skald::wire {
namespace {

constexpr const char* kIdentifier = "SKR1";

struct Build {
    void operator()(const Fetch& fetch) const {
        m.add_verb(fb::ReplicaVerb::fetch);
        m.add_end(fetch.end.value);
        m.add_last_epoch(fetch.last_epoch.value);
        m.add_round(fetch.round);
        m.add_number(fetch.number);
    }
    void operator()(const FetchAnswer& answer) const {
        m.add_verb(fb::ReplicaVerb::batches);
        m.add_number(answer.number);
        m.add_end(answer.from.value);
        m.add_high_watermark(answer.high_watermark.value);
        m.add_round(answer.round);
        if (answer.diverged) {
            m.add_diverged(true);
            m.add_last_epoch(answer.diverged->epoch.value);
            m.add_diverged_end(answer.diverged->end.value);
        }
        m.add_below_start(answer.below_start);
    }
    void operator()(const Fence&) const { m.add_verb(fb::ReplicaVerb::fence); }
    void operator()(const FenceAnswer& answer) const {
        m.add_verb(fb::ReplicaVerb::promised);
        m.add_last_epoch(answer.last_epoch.value);
        m.add_end(answer.end.value);
    }
    void operator()(const Fenced&) const { m.add_verb(fb::ReplicaVerb::fenced); }

    fb::ReplicaMessageBuilder& m;
};

FetchAnswer read_answer(const fb::ReplicaMessage& m) {
    FetchAnswer answer{
        m.number(), Offset{m.end()}, Offset{m.high_watermark()}, m.round(), {}, m.below_start(),
        {}};
    if (m.diverged()) {
        answer.diverged = EpochEnd{Epoch{m.last_epoch()}, Offset{m.diverged_end()}};
    }
    return answer;
}

ReplicaMessage read(const fb::ReplicaMessage& m) {
    if (m.log() == nullptr || m.node() == nullptr) {
        throw parts::Refused("it names no log, or no node");
    }
    ReplicaMessage message{Partition{m.partition()},
                           parts::from_fb(m.log()),
                           Epoch{m.epoch()},
                           {parts::from_fb(m.node()), m.incarnation()},
                           {}};
    switch (m.verb()) {
        case fb::ReplicaVerb::fetch:
            message.body = Fetch{Offset{m.end()}, Epoch{m.last_epoch()},
                                 parts::from_fb(m.chain()).bytes, m.round(), m.number()};
            return message;
        case fb::ReplicaVerb::batches:
            message.body = read_answer(m);
            return message;
        case fb::ReplicaVerb::fence:
            message.body = Fence{};
            return message;
        case fb::ReplicaVerb::promised:
            message.body = FenceAnswer{Epoch{m.last_epoch()}, Offset{m.end()}};
            return message;
        case fb::ReplicaVerb::fenced:
            message.body = Fenced{};
            return message;
    }
    throw parts::Refused("a verb that is not known");
}

}  // namespace

std::string encode(const ReplicaMessage& message) {
    parts::Builder b;
    const fb::Id log = parts::to_fb(message.log);
    const fb::Id node = parts::to_fb(message.from.node);
    const auto* const fetch = std::get_if<Fetch>(&message.body);
    const fb::Id chain = parts::to_fb(Uuid{fetch == nullptr ? ChainHash{} : fetch->chain});
    fb::ReplicaMessageBuilder m(b);
    m.add_partition(message.partition.value);
    m.add_log(&log);
    m.add_epoch(message.epoch.value);
    m.add_node(&node);
    m.add_incarnation(message.from.incarnation);
    if (fetch != nullptr) {
        m.add_chain(&chain);
    }
    std::visit(Build{m}, message.body);
    return parts::finished(b, m.Finish(), kIdentifier);
}

Result<ReplicaMessage> decode_replica_message(Bytes bytes) {
    return parts::decoded<fb::ReplicaMessage>(bytes, kIdentifier, read);
}

Result<std::vector<BatchHead>> batch_heads(const std::vector<Bytes>& frames) {
    std::vector<BatchHead> heads;
    heads.reserve(frames.size());
    for (const Bytes frame : frames) {
        const auto batch = BatchView::open(frame);
        if (!batch || batch->slice()) {
            return Error(Errc::malformed, "what came with an answer to a fetch is no whole batch");
        }
        const BatchHeader& header = batch->header();
        heads.push_back(
            {batch->base(), batch->end(), Epoch{header.epoch}, header.chain_before, header.chain});
    }
    return heads;
}

}  // namespace skald::wire
