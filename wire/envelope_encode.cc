#include "wire/envelope.h"
#include "wire/envelope_parts.h"

namespace skald::wire {
namespace {

using parts::build;
using parts::Builder;
using parts::to_fb;

constexpr std::size_t kBufferBytes = 4096;

// What the union holds: its kind and the finished table.
struct Built {
    fb::Body kind;
    flatbuffers::Offset<void> table;
};

template <typename T>
Built built(parts::Ref<T> table) {
    return {fb::BodyTraits<T>::enum_value, table.Union()};
}

// Builds the table of each message.
struct Build {
    Builder& b;

    Built operator()(const msg::Append& m) const {
        if (m.request.empty()) {
            return built(fb::CreateAppend(b, m.id, m.resolved_below, 0, m.partition.value, m.after,
                                          m.count));
        }
        b.ForceVectorAlignment(m.request.size(), 1, 8);
        const auto request = b.CreateVector(reinterpret_cast<const std::uint8_t*>(m.request.data()),
                                            m.request.size());
        return built(fb::CreateAppend(b, m.id, m.resolved_below, request, m.partition.value,
                                      m.after, m.count));
    }
    Built operator()(const msg::Hello& m) const {
        const auto client = b.CreateString(m.client);
        const fb::Id producer = to_fb(m.producer);
        return built(fb::CreateHello(b, m.protocol_min, m.protocol_max, m.features, &producer,
                                     m.producer_epoch.value, client, m.credit_bytes,
                                     m.credit_requests));
    }
    Built operator()(const msg::Read& m) const {
        const auto selection = build(b, m.read.selection);
        const auto start = build(b, m.read.start);
        return built(
            fb::CreateRead(b, m.id, selection, start, m.read.backward, m.read.limit, m.read.bytes));
    }
    Built operator()(const msg::Subscribe& m) const {
        const auto selection = build(b, m.selection);
        const auto start = build(b, m.start);
        return built(fb::CreateSubscribe(b, m.id, selection, start, m.credit_events, m.credit_bytes,
                                         m.exclusive, m.ephemeral));
    }
    Built operator()(const msg::Credit& m) const {
        return built(fb::CreateCredit(b, m.subscription, m.events, m.bytes));
    }
    Built operator()(const msg::Unsubscribe& m) const {
        return built(fb::CreateUnsubscribe(b, m.subscription));
    }
    Built operator()(const msg::GetStream& m) const {
        return built(fb::CreateGetStream(b, m.id, b.CreateString(m.stream)));
    }
    Built operator()(const msg::ListStreams& m) const {
        const auto glob = b.CreateString(m.glob);
        const auto after = b.CreateString(m.after);
        return built(fb::CreateListStreams(b, m.id, glob, after, m.limit));
    }
    Built operator()(const msg::ChangeStream& m) const;
    Built operator()(const msg::GetSnapshot& m) const {
        return built(fb::CreateGetSnapshot(b, m.id, b.CreateString(m.stream)));
    }
    Built operator()(const msg::PutSnapshot& m) const {
        const auto stream = b.CreateString(m.stream);
        return built(fb::CreatePutSnapshot(b, m.id, stream, m.version.value, m.fingerprint));
    }
    Built operator()(const msg::GetPosition& m) const {
        return built(fb::CreateGetPosition(b, m.id));
    }
    Built operator()(const msg::PublishEphemeral& m) const {
        return built(fb::CreatePublishEphemeral(b, m.id));
    }
    Built operator()(const msg::Bye& m) const {
        return built(fb::CreateBye(b, b.CreateString(m.reason)));
    }
    Built operator()(const msg::Heartbeat& m) const {
        return built(fb::CreateHeartbeat(b, m.number));
    }
    Built operator()(const msg::GetLog& m) const { return built(fb::CreateGetLog(b, m.id)); }
    Built operator()(const msg::FetchLog& m) const {
        return built(
            fb::CreateFetchLog(b, m.id, m.partition.value, m.from.value, m.end.value, m.bytes));
    }
    Built operator()(const msg::FetchProducers& m) const {
        const auto after = build_bytes(m.after);
        return built(fb::CreateFetchProducers(b, m.id, m.partition.value, after, m.bytes));
    }
    Built operator()(const msg::Scavenge& m) const {
        const fb::Id run = to_fb(m.run);
        return built(fb::CreateScavenge(b, m.id, &run));
    }
    Built operator()(const msg::Serve& m) const {
        const auto service = b.CreateString(m.service);
        return built(fb::CreateServe(b, m.id, service, static_cast<fb::Balance>(m.balance),
                                     m.weight, m.capacity));
    }
    Built operator()(const msg::Unserve& m) const {
        return built(fb::CreateUnserve(b, m.id, m.worker));
    }
    Built operator()(const msg::Request& m) const {
        return built(fb::CreateRequest(b, m.id, b.CreateString(m.service), m.deadline_ms));
    }
    Built operator()(const msg::Respond& m) const {
        const auto error = m.error ? build(b, *m.error) : 0;
        return built(fb::CreateRespond(b, m.number, error));
    }

    Built operator()(const msg::Call& m) const {
        return built(fb::CreateCall(b, m.worker, m.number, m.left_ms));
    }
    Built operator()(const msg::Reply& m) const { return built(fb::CreateReply(b, m.id)); }
    Built operator()(const msg::Welcome& m) const;
    Built operator()(const msg::Receipts& m) const;
    Built operator()(const msg::Rejected& m) const {
        return built(fb::CreateRejected(b, m.id, build(b, m.error), m.partition.value));
    }
    Built operator()(const msg::Page& m) const {
        const auto chunks = build(b, m.chunks);
        const auto next = build(b, m.next);
        const auto resume = build(b, m.resume);
        return built(fb::CreatePage(b, m.id, chunks, next, resume, m.end));
    }
    Built operator()(const msg::Subscribed& m) const {
        return built(fb::CreateSubscribed(b, m.id, build(b, m.position)));
    }
    Built operator()(const msg::Deliver& m) const {
        const auto chunks = build(b, m.chunks);
        const auto position = build(b, m.position);
        return built(fb::CreateDeliver(b, m.subscription, chunks, position));
    }
    Built operator()(const msg::Checkpoint& m) const {
        return built(fb::CreateCheckpoint(b, m.subscription, build(b, m.position)));
    }
    Built operator()(const msg::CaughtUp& m) const {
        return built(fb::CreateCaughtUp(b, m.subscription, build(b, m.position)));
    }
    Built operator()(const msg::FellBehind& m) const {
        return built(fb::CreateFellBehind(b, m.subscription, build(b, m.position)));
    }
    Built operator()(const msg::Ended& m) const {
        const auto error = build(b, m.error);
        const auto position = build(b, m.position);
        return built(fb::CreateEnded(b, m.subscription, error, position));
    }
    Built operator()(const msg::Ephemeral& m) const {
        return built(fb::CreateEphemeral(b, m.subscription));
    }
    Built operator()(const msg::Dropped& m) const {
        return built(fb::CreateDropped(b, m.subscription, m.events));
    }
    Built operator()(const msg::StreamAnswer& m) const {
        return built(fb::CreateStreamAnswer(b, m.id, build(b, m.info)));
    }
    Built operator()(const msg::StreamListAnswer& m) const;
    Built operator()(const msg::SnapshotAnswer& m) const {
        return built(fb::CreateSnapshotAnswer(b, m.id, m.found, m.version.value, m.fingerprint));
    }
    Built operator()(const msg::PositionAnswer& m) const {
        return built(fb::CreatePositionAnswer(b, m.id, build(b, m.position)));
    }
    Built operator()(const msg::Done& m) const { return built(fb::CreateDone(b, m.id)); }
    Built operator()(const msg::Busy& m) const {
        return built(fb::CreateBusy(b, m.credit_bytes, m.credit_requests));
    }
    Built operator()(const msg::Goodbye& m) const {
        return built(fb::CreateGoodbye(b, build(b, m.error)));
    }
    Built operator()(const msg::LogAnswer& m) const;
    Built operator()(const msg::LogBatches& m) const {
        return built(fb::CreateLogBatches(b, m.id));
    }
    Built operator()(const msg::LogProducers& m) const {
        const auto next = build_bytes(m.next);
        return built(fb::CreateLogProducers(b, m.id, m.covered.value, next));
    }
    Built operator()(const msg::ScavengeAnswer& m) const {
        const ScavengeReport& r = m.report;
        return built(fb::CreateScavengeAnswer(
            b, m.id, m.running, m.done, m.total, r.batches_rewritten, r.records_removed,
            r.batches_dropped, r.bytes_freed, r.pages_zeroed, r.gaps_zeroed, r.pages_kept));
    }

    parts::Ref<flatbuffers::Vector<std::uint8_t>> build_bytes(std::string_view bytes) const {
        return b.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
};

Built Build::operator()(const msg::ChangeStream& m) const {
    const auto stream = b.CreateString(m.lifecycle.stream);
    const fb::Expected expected = to_fb(m.lifecycle.expected);
    const LifecycleChange& change = m.lifecycle.change;
    fb::ChangeStreamBuilder table(b);
    table.add_id(m.id);
    table.add_resolved_below(m.resolved_below);
    table.add_partition(m.partition.value);
    table.add_after(m.after);
    table.add_stream(stream);
    table.add_expected(&expected);
    table.add_change(static_cast<fb::ChangeKind>(change.index()));
    if (const auto* truncate = std::get_if<TruncateStream>(&change)) {
        table.add_version(truncate->before.value);
    } else if (const auto* limits = std::get_if<SetLimits>(&change)) {
        table.add_max_count(limits->limits.max_count.value_or(0));
        const auto age = limits->limits.max_age.value_or(std::chrono::microseconds(0));
        table.add_max_age_us(static_cast<std::uint64_t>(age.count()));
    } else if (const auto* remove = std::get_if<DeleteStream>(&change)) {
        table.add_hard(remove->hard);
    } else if (const auto* erase = std::get_if<EraseEvent>(&change)) {
        table.add_version(erase->version.value);
    }
    return built(table.Finish());
}

Built Build::operator()(const msg::Welcome& m) const {
    fb::PartitionState* states = nullptr;
    const auto partitions = b.CreateUninitializedVectorOfStructs(m.partitions.size(), &states);
    for (std::size_t i = 0; i < m.partitions.size(); ++i) {
        const msg::PartitionState& p = m.partitions[i];
        states[i] = fb::PartitionState(to_fb(p.lineage), p.epoch.value, p.high_watermark.value,
                                       p.partition.value);
    }
    const auto limits =
        fb::CreateLimits(b, m.limits.message_bytes, m.limits.request_bytes, m.limits.request_events,
                         m.limits.page_events, m.limits.page_bytes, m.limits.subscriptions);
    const fb::Id node = to_fb(m.node);
    const fb::Id cluster = to_fb(m.cluster);
    return built(fb::CreateWelcome(b, m.protocol, m.features, &node, &cluster, m.partition_count,
                                   partitions, limits, m.credit_bytes, m.credit_requests,
                                   m.heartbeat_ms, m.expiry_ms));
}

Built Build::operator()(const msg::Receipts& m) const {
    std::vector<parts::Ref<fb::ReceiptRange>> ranges;
    ranges.reserve(m.ranges.size());
    for (const msg::ReceiptRange& r : m.ranges) {
        flatbuffers::Offset<flatbuffers::Vector<std::uint64_t>> versions;
        if (!r.versions.empty()) {
            versions = b.CreateVector(r.versions);
        }
        ranges.push_back(fb::CreateReceiptRange(b, r.first_id, r.count, r.records, r.offset.value,
                                                r.offset_step, r.version.value, r.version_step,
                                                versions, r.epoch.value, r.digest,
                                                r.partition.value, r.repeated, r.primary));
    }
    return built(fb::CreateReceipts(b, b.CreateVector(ranges)));
}

Built Build::operator()(const msg::StreamListAnswer& m) const {
    std::vector<parts::Ref<fb::StreamInfo>> streams;
    streams.reserve(m.list.streams.size());
    for (const StreamInfo& info : m.list.streams) {
        streams.push_back(build(b, info));
    }
    const auto list = b.CreateVector(streams);
    const auto next = b.CreateString(m.list.next);
    return built(fb::CreateStreamListAnswer(b, m.id, list, next));
}

Built Build::operator()(const msg::LogAnswer& m) const {
    std::vector<parts::Ref<fb::LogPartition>> partitions;
    partitions.reserve(m.state.partitions.size());
    for (const PartitionState& state : m.state.partitions) {
        partitions.push_back(build(b, state));
    }
    const auto list = b.CreateVector(partitions);
    const fb::Id cluster = to_fb(m.state.cluster);
    return built(fb::CreateLogAnswer(b, m.id, &cluster, m.state.bytes, list));
}

Bytes finish(Builder& b, Built body) {
    fb::FinishEnvelopeBuffer(b, fb::CreateEnvelope(b, body.kind, body.table));
    return std::as_bytes(std::span(b.GetBufferPointer(), b.GetSize()));
}

}  // namespace

struct EnvelopeEncoder::State {
    Builder builder{kBufferBytes};
};

EnvelopeEncoder::EnvelopeEncoder() : state_(std::make_unique<State>()) {}
EnvelopeEncoder::~EnvelopeEncoder() = default;
EnvelopeEncoder::EnvelopeEncoder(EnvelopeEncoder&&) noexcept = default;
EnvelopeEncoder& EnvelopeEncoder::operator=(EnvelopeEncoder&&) noexcept = default;

Bytes EnvelopeEncoder::encode(const msg::Append& message) {
    state_->builder.Clear();
    return finish(state_->builder, Build{state_->builder}(message));
}

Bytes EnvelopeEncoder::encode(const msg::FromClient& message) {
    state_->builder.Clear();
    return finish(state_->builder, std::visit(Build{state_->builder}, message));
}

Bytes EnvelopeEncoder::encode(const msg::FromNode& message) {
    state_->builder.Clear();
    return finish(state_->builder, std::visit(Build{state_->builder}, message));
}

}  // namespace skald::wire
