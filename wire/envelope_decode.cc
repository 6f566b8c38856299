#include "wire/envelope.h"
#include "wire/envelope_parts.h"

namespace skald::wire {
namespace {

using parts::from_fb;
using parts::Refused;
using parts::text;

constexpr flatbuffers::uoffset_t kDepthMax = 16;
constexpr flatbuffers::uoffset_t kTablesMax = 4096;

Error malformed(const std::string& why) {
    return {Errc::malformed, "envelope refused: " + why};
}

msg::Append decode(const fb::Append& m) {
    const auto* request = m.request();
    return {
        m.id(),
        m.resolved_below(),
        m.after(),
        Partition{m.partition()},
        request == nullptr ? Bytes{} : std::as_bytes(std::span(request->data(), request->size())),
        m.count()};
}

msg::Hello decode(const fb::Hello& m) {
    return {m.protocol_min(),          m.protocol_max(), m.features(),     from_fb(m.producer()),
            Epoch{m.producer_epoch()}, text(m.client()), m.credit_bytes(), m.credit_requests()};
}

msg::Read decode(const fb::Read& m) {
    return {m.id(),
            {from_fb(m.selection()), from_fb(m.start()), m.backward(), m.limit(), m.bytes()}};
}

msg::Subscribe decode(const fb::Subscribe& m) {
    return {m.id(),        from_fb(m.selection()), from_fb(m.start()),
            m.exclusive(), m.credit_events(),      m.credit_bytes(),
            m.ephemeral()};
}

Lifecycle decode_lifecycle(const fb::ChangeStream& m) {
    Lifecycle lifecycle;
    lifecycle.stream = text(m.stream());
    lifecycle.expected = from_fb(m.expected());
    if (m.change() > fb::ChangeKind::MAX) {
        throw Refused("change out of range");
    }
    switch (m.change()) {
        case fb::ChangeKind::truncate:
            lifecycle.change = TruncateStream{Version{m.version()}};
            break;
        case fb::ChangeKind::limits: {
            StreamLimits limits;
            if (m.max_count() != 0) {
                limits.max_count = m.max_count();
            }
            if (m.max_age_us() != 0) {
                limits.max_age = std::chrono::microseconds(m.max_age_us());
            }
            lifecycle.change = SetLimits{limits};
            break;
        }
        case fb::ChangeKind::remove:
            lifecycle.change = DeleteStream{m.hard()};
            break;
        case fb::ChangeKind::erase:
            lifecycle.change = EraseEvent{Version{m.version()}};
            break;
    }
    return lifecycle;
}

msg::Welcome decode(const fb::Welcome& m) {
    msg::Welcome welcome;
    welcome.protocol = m.protocol();
    welcome.features = m.features();
    welcome.node = from_fb(m.node());
    welcome.cluster = from_fb(m.cluster());
    welcome.partition_count = m.partition_count();
    if (m.partitions() != nullptr) {
        parts::check_aligned(m.partitions());
        for (const fb::PartitionState* p : *m.partitions()) {
            welcome.partitions.push_back({Partition{p->partition()}, from_fb(&p->lineage()),
                                          Epoch{p->epoch()}, Offset{p->high_watermark()}});
        }
    }
    if (const fb::Limits* l = m.limits()) {
        welcome.limits = {l->message_bytes(), l->request_bytes(), l->request_events(),
                          l->page_events(),   l->page_bytes(),    l->subscriptions()};
    }
    welcome.credit_bytes = m.credit_bytes();
    welcome.credit_requests = m.credit_requests();
    welcome.heartbeat_ms = m.heartbeat_ms();
    welcome.expiry_ms = m.expiry_ms();
    return welcome;
}

msg::ReceiptRange decode(const fb::ReceiptRange& r) {
    msg::ReceiptRange range;
    range.first_id = r.first_id();
    range.count = r.count();
    range.records = r.records();
    range.partition = Partition{r.partition()};
    range.offset = Offset{r.offset()};
    range.offset_step = r.offset_step();
    range.version = Version{r.version()};
    range.version_step = r.version_step();
    if (r.versions() != nullptr) {
        if (r.versions()->size() != r.count()) {
            throw Refused("receipts with too few or too many versions");
        }
        range.versions.assign(r.versions()->begin(), r.versions()->end());
    }
    range.epoch = Epoch{r.epoch()};
    range.digest = r.digest();
    range.repeated = r.repeated();
    range.primary = r.primary();
    return range;
}

msg::Receipts decode(const fb::Receipts& m) {
    msg::Receipts receipts;
    if (m.ranges() != nullptr) {
        receipts.ranges.reserve(m.ranges()->size());
        for (const fb::ReceiptRange* range : *m.ranges()) {
            receipts.ranges.push_back(decode(*range));
        }
    }
    return receipts;
}

msg::StreamListAnswer decode(const fb::StreamListAnswer& m) {
    msg::StreamListAnswer answer{m.id(), {{}, text(m.next())}};
    if (m.streams() != nullptr) {
        for (const fb::StreamInfo* info : *m.streams()) {
            answer.list.streams.push_back(from_fb(info));
        }
    }
    return answer;
}

msg::LogAnswer decode(const fb::LogAnswer& m) {
    msg::LogAnswer answer{m.id(), {from_fb(m.cluster()), m.bytes(), {}}};
    if (m.partitions() != nullptr) {
        for (const fb::LogPartition* state : *m.partitions()) {
            answer.state.partitions.push_back(from_fb(state));
        }
    }
    return answer;
}

msg::ScavengeAnswer decode(const fb::ScavengeAnswer& m) {
    return {m.id(),
            m.running(),
            m.done(),
            m.total(),
            {m.batches_rewritten(), m.records_removed(), m.batches_dropped(), m.bytes_freed(),
             m.pages_zeroed(), m.gaps_zeroed(), m.pages_kept()}};
}

// The verified root, or nullptr. The depth and table bounds stop a small frame from costing much.
const fb::Envelope* open(Bytes frame) {
    if (frame.size() > kEnvelopeBytesMax) {
        return nullptr;
    }
    const auto* data = reinterpret_cast<const std::uint8_t*>(frame.data());
    flatbuffers::Verifier verifier(data, frame.size(), kDepthMax, kTablesMax);
    return fb::VerifyEnvelopeBuffer(verifier) ? fb::GetEnvelope(data) : nullptr;
}

msg::FromClient log_request(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::GetLog:
            return msg::GetLog{e.body_as_GetLog()->id()};
        case fb::Body::FetchLog: {
            const auto& m = *e.body_as_FetchLog();
            return msg::FetchLog{m.id(), Partition{m.partition()}, Offset{m.from()},
                                 Offset{m.end()}, m.bytes()};
        }
        case fb::Body::FetchProducers: {
            const auto& m = *e.body_as_FetchProducers();
            return msg::FetchProducers{m.id(), Partition{m.partition()}, text(m.after()),
                                       m.bytes()};
        }
        case fb::Body::Scavenge: {
            const auto& m = *e.body_as_Scavenge();
            return msg::Scavenge{m.id(), from_fb(m.run())};
        }
        default:
            return parts::service_request(e);
    }
}

msg::FromClient from_client(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::Append:
            return decode(*e.body_as_Append());
        case fb::Body::Hello:
            return decode(*e.body_as_Hello());
        case fb::Body::Read:
            return decode(*e.body_as_Read());
        case fb::Body::Subscribe:
            return decode(*e.body_as_Subscribe());
        case fb::Body::Credit: {
            const auto& m = *e.body_as_Credit();
            return msg::Credit{m.subscription(), m.events(), m.bytes()};
        }
        case fb::Body::Unsubscribe:
            return msg::Unsubscribe{e.body_as_Unsubscribe()->subscription()};
        case fb::Body::GetStream: {
            const auto& m = *e.body_as_GetStream();
            return msg::GetStream{m.id(), text(m.stream())};
        }
        case fb::Body::ListStreams: {
            const auto& m = *e.body_as_ListStreams();
            return msg::ListStreams{m.id(), text(m.glob()), text(m.after()), m.limit()};
        }
        case fb::Body::ChangeStream: {
            const auto& m = *e.body_as_ChangeStream();
            return msg::ChangeStream{m.id(), m.resolved_below(), m.after(),
                                     Partition{m.partition()}, decode_lifecycle(m)};
        }
        case fb::Body::GetSnapshot: {
            const auto& m = *e.body_as_GetSnapshot();
            return msg::GetSnapshot{m.id(), text(m.stream())};
        }
        case fb::Body::PutSnapshot: {
            const auto& m = *e.body_as_PutSnapshot();
            return msg::PutSnapshot{m.id(), text(m.stream()), Version{m.version()},
                                    m.fingerprint()};
        }
        case fb::Body::GetPosition:
            return msg::GetPosition{e.body_as_GetPosition()->id()};
        case fb::Body::PublishEphemeral:
            return msg::PublishEphemeral{e.body_as_PublishEphemeral()->id()};
        case fb::Body::Bye:
            return msg::Bye{text(e.body_as_Bye()->reason())};
        case fb::Body::Heartbeat:
            return msg::Heartbeat{e.body_as_Heartbeat()->number()};
        default:
            return log_request(e);
    }
}

msg::FromNode log_answer(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::LogAnswer:
            return decode(*e.body_as_LogAnswer());
        case fb::Body::LogBatches:
            return msg::LogBatches{e.body_as_LogBatches()->id()};
        case fb::Body::LogProducers: {
            const auto& m = *e.body_as_LogProducers();
            return msg::LogProducers{m.id(), Offset{m.covered()}, text(m.next())};
        }
        case fb::Body::ScavengeAnswer:
            return decode(*e.body_as_ScavengeAnswer());
        default:
            return parts::service_message(e);
    }
}

msg::FromNode subscription_message(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::Checkpoint: {
            const auto& m = *e.body_as_Checkpoint();
            return msg::Checkpoint{m.subscription(), from_fb(m.position())};
        }
        case fb::Body::CaughtUp: {
            const auto& m = *e.body_as_CaughtUp();
            return msg::CaughtUp{m.subscription(), from_fb(m.position())};
        }
        case fb::Body::FellBehind: {
            const auto& m = *e.body_as_FellBehind();
            return msg::FellBehind{m.subscription(), from_fb(m.position())};
        }
        case fb::Body::Ended: {
            const auto& m = *e.body_as_Ended();
            return msg::Ended{m.subscription(), from_fb(m.error()), from_fb(m.position())};
        }
        case fb::Body::Subscribed: {
            const auto& m = *e.body_as_Subscribed();
            return msg::Subscribed{m.id(), from_fb(m.position())};
        }
        case fb::Body::Ephemeral:
            return msg::Ephemeral{e.body_as_Ephemeral()->subscription()};
        case fb::Body::Dropped: {
            const auto& m = *e.body_as_Dropped();
            return msg::Dropped{m.subscription(), m.events()};
        }
        default:
            return log_answer(e);
    }
}

msg::FromNode from_node(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::Receipts:
            return decode(*e.body_as_Receipts());
        case fb::Body::Deliver: {
            const auto& m = *e.body_as_Deliver();
            return msg::Deliver{m.subscription(), from_fb(m.chunks()), from_fb(m.position())};
        }
        case fb::Body::Rejected: {
            const auto& m = *e.body_as_Rejected();
            return msg::Rejected{m.id(), Partition{m.partition()}, from_fb(m.error())};
        }
        case fb::Body::Welcome:
            return decode(*e.body_as_Welcome());
        case fb::Body::Page: {
            const auto& m = *e.body_as_Page();
            return msg::Page{m.id(), from_fb(m.chunks()), from_fb(m.next()), from_fb(m.resume()),
                             m.end()};
        }
        case fb::Body::StreamAnswer: {
            const auto& m = *e.body_as_StreamAnswer();
            return msg::StreamAnswer{m.id(), from_fb(m.stream())};
        }
        case fb::Body::StreamListAnswer:
            return decode(*e.body_as_StreamListAnswer());
        case fb::Body::SnapshotAnswer: {
            const auto& m = *e.body_as_SnapshotAnswer();
            return msg::SnapshotAnswer{m.id(), m.found(), Version{m.version()}, m.fingerprint()};
        }
        case fb::Body::PositionAnswer: {
            const auto& m = *e.body_as_PositionAnswer();
            return msg::PositionAnswer{m.id(), from_fb(m.position())};
        }
        case fb::Body::Done:
            return msg::Done{e.body_as_Done()->id()};
        case fb::Body::Busy: {
            const auto& m = *e.body_as_Busy();
            return msg::Busy{m.credit_bytes(), m.credit_requests()};
        }
        case fb::Body::Goodbye:
            return msg::Goodbye{from_fb(e.body_as_Goodbye()->error())};
        case fb::Body::Heartbeat:
            return msg::Heartbeat{e.body_as_Heartbeat()->number()};
        default:
            return subscription_message(e);
    }
}

// The one place where Refused is caught.
template <typename Message>
Result<Message> checked(Bytes frame, Message (*read)(const fb::Envelope&)) {
    const fb::Envelope* envelope = open(frame);
    if (envelope == nullptr || envelope->body() == nullptr) {
        return malformed("it does not verify");
    }
    try {
        return read(*envelope);
    } catch (const Refused& refused) {
        return malformed(refused.what());
    }
}

}  // namespace

Result<msg::FromClient> decode_from_client(Bytes frame) {
    return checked(frame, from_client);
}

Result<msg::FromNode> decode_from_node(Bytes frame) {
    return checked(frame, from_node);
}

}  // namespace skald::wire
