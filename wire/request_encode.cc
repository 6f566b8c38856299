#include <fmt/format.h>

#include <array>
#include <bit>
#include <memory_resource>

#include "base/glob.h"
#include "base/limits.h"
#include "base/random.h"
#include "wire/batch.h"
#include "wire/query.h"
#include "wire/request_tables.h"

namespace skald::wire {
namespace {

constexpr std::size_t kRecordBytesGuess = 48;  // beside its data: prefix, fields, table entries

Error invalid(std::string why) {
    return {Errc::invalid_argument, std::move(why)};
}

Error too_large(const char* what, std::size_t count, std::size_t most) {
    return {Errc::request_too_large,
            fmt::format("append of {} {}, at most {} are allowed", count, what, most)};
}

Result<void> check_expected(std::string_view stream, Expected expected) {
    if (auto ok = check_stream_name(stream); !ok) {
        return ok;
    }
    if (expected.version().value > limits::kVersionMax) {
        return invalid(
            fmt::format("no version of a stream is as high as {}", expected.version().value));
    }
    return {};
}

Result<void> check_producer(const Producer& producer) {
    if (producer.id.is_nil() || producer.epoch < Epoch{1}) {
        return invalid("a producer has an id and an epoch from 1");
    }
    if (producer.resolved_below > producer.sequence) {
        return invalid("a producer cannot have the answer of a request it is only sending");
    }
    return {};
}

Result<AppendSize> check_counts(const Append& append) {
    if (append.streams.size() > limits::kRequestStreamsMax) {
        return too_large("streams", append.streams.size(), limits::kRequestStreamsMax);
    }
    if (append.checks.size() > limits::kRequestChecksMax) {
        return too_large("checks", append.checks.size(), limits::kRequestChecksMax);
    }
    AppendSize size;
    for (const StreamAppend& stream : append.streams) {
        if (stream.events.empty()) {
            return invalid("a stream to be written needs an event; use a check to look at one");
        }
        size.events += stream.events.size();
        for (const NewEvent& event : stream.events) {
            size.data += event.data.size();
        }
    }
    if (size.events == 0) {
        return invalid("an append needs at least one event");
    }
    if (size.events > limits::kRequestEventsMax) {
        return too_large("events", size.events, limits::kRequestEventsMax);
    }
    if (size.data > limits::kRequestBytesMax) {
        return too_large("bytes", size.data, limits::kRequestBytesMax);
    }
    return size;
}

Result<void> check_fence(const Fence& fence) {
    if (fence.name.empty() || fence.name.size() > limits::kFenceNameBytesMax ||
        !is_utf8(fence.name)) {
        return invalid("the name of a fence is 1-255 bytes of UTF-8");
    }
    return {};
}

Result<void> check_parts(const Append& append) {
    for (const StreamAppend& stream : append.streams) {
        if (auto ok = check_expected(stream.stream, stream.expected); !ok) {
            return ok;
        }
        for (const NewEvent& event : stream.events) {
            if (auto ok = check_event(event); !ok) {
                return ok;
            }
        }
    }
    for (const StreamCheck& check : append.checks) {
        if (auto ok = check_expected(check.stream, check.expected); !ok) {
            return ok;
        }
    }
    if (append.fence) {
        if (auto ok = check_fence(*append.fence); !ok) {
            return ok;
        }
    }
    if (append.query) {
        if (auto ok = check_query(append.query->query); !ok) {
            return ok;
        }
    }
    return append.producer ? check_producer(*append.producer) : Result<void>();
}

// Lays a request out: names, ids and sections are gathered first, then everything is written.
class Encoder {
  public:
    Encoder(IdSource& ids, std::size_t events, std::size_t data_bytes, std::string memory = {})
        : ids_(ids), out_(std::move(memory)) {
        begin_request(out_, sizeof header_ + data_bytes + (events + 4) * kRecordBytesGuess);
        prefixes_.reserve(events);
    }

    // False when the stream was added before.
    bool add_section(std::string_view stream, Expected expected, std::size_t records) {
        const std::size_t before = names_.size();
        const std::uint16_t name = names_.number(stream);
        append_section(out_, header_, name, expected, records);
        return name == before;
    }
    void add_event(const NewEvent& event, std::uint16_t stream, std::uint16_t flags) {
        RecordPrefix prefix = prefix_of(event, ids_, halves_, last_id_);
        prefix.stream = stream;
        prefix.type = names_.number(event.type);
        prefix.flags = flags;
        prefixes_.push_back(prefix);
    }
    void set_fence(const Fence& fence) {
        header_.fence = names_.number(fence.name);
        header_.fence_token = fence.token;
    }
    void set_query(const QueryCheck& check) {
        header_.query_from = check.from.value;
        append_query(query_, check.query);
    }

    // `streams` as they were added.
    std::string write(std::span<const StreamAppend> streams, std::uint16_t flags) {
        begin_records(flags);
        std::size_t i = 0;
        for (const StreamAppend& stream : streams) {
            for (const NewEvent& event : stream.events) {
                write_record(event, i++);
            }
        }
        seal_request(out_, header_);
        return std::move(out_);
    }
    std::string write_one(const NewEvent& event, std::uint16_t flags) {
        begin_records(flags);
        write_record(event, 0);
        seal_request(out_, header_);
        return std::move(out_);
    }
    const Uuid& last_id() const { return last_id_; }

  private:
    void begin_records(std::uint16_t flags) {
        header_.flags = flags;
        places_at_ = append_tables(
            out_, header_, names_.size(), [this](std::size_t i) { return names_[i]; }, halves_,
            prefixes_.size(), query_);
    }
    void write_record(const NewEvent& event, std::size_t i) {
        const auto place = static_cast<std::uint32_t>(out_.size());
        store_le(out_.data() + places_at_ + i * sizeof place, place);
        append_record(out_, event, prefixes_[i]);
    }

    IdSource& ids_;
    RequestHeader header_;
    NameNumbers names_;
    IdHalves halves_;
    std::string out_;
    std::string query_;
    // Of one event or a few, the usual case, without an allocation.
    std::array<std::byte, 8 * sizeof(RecordPrefix)> few_prefixes_;
    std::pmr::monotonic_buffer_resource prefix_memory_{few_prefixes_.data(), few_prefixes_.size()};
    std::pmr::vector<RecordPrefix> prefixes_{&prefix_memory_};
    std::size_t places_at_ = 0;
    Uuid last_id_;
};

Error twice(std::string_view stream) {
    return invalid(
        fmt::format("stream {:?} stands twice among the append's streams and checks", stream));
}

}  // namespace

IdSource::IdSource() : counter_(random_number()) {
    const std::uint64_t half = random_number();
    std::memcpy(id_.bytes.data(), &half, sizeof half);
    id_.bytes[6] = static_cast<std::uint8_t>((id_.bytes[6] & 0x0f) | 0x80);  // version 8
}

Uuid IdSource::next() {
    constexpr std::uint64_t kVariant = std::uint64_t{2} << 62;
    const std::uint64_t low = (++counter_ & ~(std::uint64_t{3} << 62)) | kVariant;
    store_le(id_.bytes.data() + 8, __builtin_bswap64(low));
    return id_;
}

Result<AppendSize> check_append(const Append& append) {
    auto size = check_counts(append);
    if (size) {
        if (auto ok = check_parts(append); !ok) {
            return ok.error();
        }
    }
    return size;
}

Result<EncodedRequest> encode_request(const Append& append, IdSource& ids, std::string memory) {
    const auto size = check_append(append);
    if (!size) {
        return size.error();
    }
    Encoder encoder(ids, size->events, size->data, std::move(memory));
    for (const StreamAppend& stream : append.streams) {
        if (!encoder.add_section(stream.stream, stream.expected, stream.events.size())) {
            return twice(stream.stream);
        }
    }
    for (const StreamCheck& check : append.checks) {
        if (!encoder.add_section(check.stream, check.expected, 0)) {
            return twice(check.stream);
        }
    }
    for (std::size_t s = 0; s < append.streams.size(); ++s) {
        for (const NewEvent& event : append.streams[s].events) {
            encoder.add_event(event, static_cast<std::uint16_t>(s), 0);
        }
    }
    if (append.fence) {
        encoder.set_fence(*append.fence);
    }
    if (append.query) {
        encoder.set_query(*append.query);
    }
    const int flags = (append.check_ids ? kRequestCheckIds : 0) |
                      (append.ack == Ack::primary ? kRequestAckPrimary : 0);
    EncodedRequest encoded{encoder.write(append.streams, static_cast<std::uint16_t>(flags)),
                           encoder.last_id()};
    if (encoded.bytes.size() > limits::kRequestBytesMax) {
        return too_large("bytes", encoded.bytes.size(), limits::kRequestBytesMax);
    }
    return encoded;
}

EncodedRequest encode_control(std::string_view stream, Expected expected, const NewEvent& event,
                              IdSource& ids) {
    Encoder encoder(ids, 1, event.data.size());
    encoder.add_section(stream, expected, 1);
    encoder.add_event(event, 0, kRecordControl);
    return {encoder.write_one(event, kRequestControl), encoder.last_id()};
}

void set_query_from(std::string& request, std::uint64_t query_from) {
    store_le(request.data() + offsetof(RequestHeader, query_from), query_from);
    store_le(request.data() + offsetof(RequestHeader, crc), request_crc(as_bytes(request)));
}

}  // namespace skald::wire
