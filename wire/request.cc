#include "wire/request.h"

#include <fmt/format.h>

#include <bitset>

#include "base/crc32c.h"
#include "base/glob.h"
#include "base/limits.h"
#include "wire/batch.h"
#include "wire/query.h"

namespace skald::wire {
namespace {

constexpr std::uint16_t kFlagsKnown = kRequestCheckIds | kRequestAckPrimary | kRequestControl;
constexpr std::size_t kSectionsMax = limits::kRequestStreamsMax + limits::kRequestChecksMax;
constexpr std::size_t kNamesMax = kSectionsMax + limits::kRequestEventsMax + 1;
constexpr std::size_t kFewSections = 8;

Error malformed(const char* why) {
    return {Errc::malformed, fmt::format("append request is malformed: {}", why)};
}

Error too_large(const char* what, std::size_t count, std::size_t most) {
    return {Errc::request_too_large,
            fmt::format("append request of {} {}, at most {} are allowed", count, what, most)};
}

// Names of sections, with their hashes in place of themselves once there are many.
class DistinctNames {
  public:
    explicit DistinctNames(const RequestView& request) : request_(request) { slots_.fill(kNone16); }
    // False when the name was added before.
    bool add(std::uint16_t number) {
        const std::string_view name = request_.name(number);
        std::size_t at = name_hash(name) % slots_.size();
        for (; slots_[at] != kNone16; at = (at + 1) % slots_.size()) {
            if (request_.name(slots_[at]) == name) {
                return false;
            }
        }
        slots_[at] = number;
        return true;
    }

  private:
    const RequestView& request_;
    std::array<std::uint16_t, 2 * kSectionsMax> slots_;
};

bool is_label(std::string_view text) {
    return !text.empty() && text.size() <= limits::kFenceNameBytesMax && is_utf8(text);
}

}  // namespace

Bytes first_request(Bytes requests) {
    if (requests.size() < sizeof(RequestHeader)) {
        return {};
    }
    const auto bytes = load_le<std::uint32_t>(requests.data() + offsetof(RequestHeader, bytes));
    return bytes < sizeof(RequestHeader) || bytes > requests.size() ? Bytes{}
                                                                    : requests.first(bytes);
}

std::uint32_t request_crc(Bytes request) {
    constexpr std::size_t kAt = offsetof(RequestHeader, crc);
    return crc32c(request.subspan(kAt + sizeof(RequestHeader::crc)), crc32c(request.first(kAt)));
}

Expected RequestSection::expectation() const {
    switch (static_cast<Expected::Kind>(expected)) {
        case Expected::Kind::no_stream:
            return Expected::no_stream();
        case Expected::Kind::stream_exists:
            return Expected::stream_exists();
        case Expected::Kind::exact:
            return Expected::exact(version);
        case Expected::Kind::any:
            break;
    }
    return Expected::any();
}

Result<RequestView> RequestView::open(Bytes bytes, bool control) {
    if (bytes.size() > limits::kRequestBytesMax) {
        return too_large("bytes", bytes.size(), limits::kRequestBytesMax);
    }
    if (bytes.size() < sizeof(RequestHeader)) {
        return malformed("too short for a header");
    }
    RequestView view;
    view.bytes_ = bytes;
    view.header_ = load_as<RequestHeader>(bytes.data());
    const RequestHeader& h = view.header_;
    if (h.magic != kRequestMagic || h.bytes != bytes.size()) {
        return malformed("its magic or size is wrong");
    }
    if (h.version != kRequestVersion || (h.flags & ~kFlagsKnown) != 0) {
        return Error(Errc::unsupported_version, "append request of an unknown version or flag");
    }
    if (view.control() && !control) {
        return malformed("control requests are not for clients");
    }
    if (request_crc(bytes) != h.crc) {
        return malformed("it does not match its crc");
    }
    if (auto ok = view.check_limits(); !ok) {
        return ok.error();
    }
    if (!view.lay_out() || !view.names_in_order()) {
        return malformed("its tables do not fit");
    }
    if (auto ok = view.check_sections(); !ok) {
        return ok.error();
    }
    if (auto ok = view.check_fence_and_query(); !ok) {
        return ok.error();
    }
    if (auto ok = view.check_records(); !ok) {
        return ok.error();
    }
    return view;
}

Result<void> RequestView::check_limits() const {
    const RequestHeader& h = header_;
    if (h.records == 0 || h.streams == 0) {
        return malformed("it writes nothing");
    }
    if (h.records > limits::kRequestEventsMax) {
        return too_large("events", h.records, limits::kRequestEventsMax);
    }
    if (h.streams > limits::kRequestStreamsMax) {
        return too_large("streams", h.streams, limits::kRequestStreamsMax);
    }
    if (h.checks > limits::kRequestChecksMax) {
        return too_large("checks", h.checks, limits::kRequestChecksMax);
    }
    if (h.names == 0 || h.names > kNamesMax || h.id_halves == 0 || h.id_halves > h.records) {
        return malformed("it has no names or ids, or more than it can use");
    }
    if (h.zero != 0 || h.reserved != 0) {
        return malformed("a reserved field is not zero");
    }
    return {};
}

bool RequestView::lay_out() {
    const RequestHeader& h = header_;
    names_at_ = sizeof(RequestHeader) + std::size_t{h.streams} * sizeof(RequestSection) +
                std::size_t{h.checks} * sizeof(RequestSection);
    id_halves_at_ = align8(names_at_ + std::size_t{h.names} * sizeof(std::uint32_t));
    places_at_ = id_halves_at_ + std::size_t{h.id_halves} * 8;
    text_at_ = align8(places_at_ + std::size_t{h.records} * sizeof(std::uint32_t));
    query_at_ = align8(text_at_ + h.names_bytes);
    records_at_ = align8(query_at_ + h.query_bytes);
    return records_at_ < bytes_.size() && place(0) == records_at_;
}

bool RequestView::names_in_order() const {
    std::uint32_t before = 0;
    for (std::size_t i = 0; i < header_.names; ++i) {
        const auto end = load_le<std::uint32_t>(bytes_.data() + names_at_ + i * sizeof before);
        if (end < before) {
            return false;
        }
        before = end;
    }
    return before == header_.names_bytes;
}

Result<void> RequestView::check_sections() const {
    std::size_t records = 0;
    for (std::size_t i = 0; i < std::size_t{header_.streams} + header_.checks; ++i) {
        const RequestSection s = section(i);
        const bool exact = s.expected == static_cast<std::uint8_t>(Expected::Kind::exact);
        const bool written = i < header_.streams;
        if (s.name >= header_.names || s.zero != 0 || (s.records != 0) != written) {
            return malformed("a stream's section is wrong");
        }
        if (s.expected > static_cast<std::uint8_t>(Expected::Kind::exact) ||
            (exact ? s.version > limits::kVersionMax : s.version != 0)) {
            return malformed("an expected version is wrong");
        }
        if (auto ok = check_stream_name(name(s.name), control()); !ok) {
            return ok;
        }
        records += s.records;
    }
    if (records != header_.records) {
        return malformed("its streams do not share out its records");
    }
    return streams_differ() ? Result<void>() : malformed("a stream stands twice");
}

bool RequestView::streams_differ() const {
    const std::size_t count = std::size_t{header_.streams} + header_.checks;
    if (count > kFewSections) {
        DistinctNames names(*this);
        for (std::size_t i = 0; i < count; ++i) {
            if (!names.add(section(i).name)) {
                return false;
            }
        }
        return true;
    }
    for (std::size_t i = 1; i < count; ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            if (name(section(i).name) == name(section(k).name)) {
                return false;
            }
        }
    }
    return true;
}

Result<void> RequestView::check_fence_and_query() const {
    const RequestHeader& h = header_;
    if (h.fence == kNone16 ? h.fence_token != 0 : h.fence >= h.names || !is_label(fence())) {
        return malformed("its fence is wrong");
    }
    if (h.query_bytes != 0) {
        return check_query(bytes_.subspan(query_at_, h.query_bytes));
    }
    if (h.query_from != 0 && !control()) {
        return malformed("it has an offset but no query");
    }
    return {};
}

Result<void> RequestView::check_records() const {
    std::bitset<kNamesMax> types;  // already found in order
    std::uint32_t i = 0;
    for (std::uint32_t s = 0; s < header_.streams; ++s) {
        const RequestSection written = stream(s);
        for (const std::uint32_t end = i + written.records; i < end; ++i) {
            if (auto ok = check_record_at(i, written.name); !ok) {
                return ok;
            }
            const std::uint16_t type = record_prefix(i).type;
            if (types.test(type)) {
                continue;
            }
            types.set(type);
            if (auto ok = check_type_name(name(type), control()); !ok) {
                return ok;
            }
        }
    }
    return {};
}

Result<void> RequestView::check_record_at(std::uint32_t i, std::uint16_t stream) const {
    const std::size_t begin = place(i);
    const std::size_t end = i + 1 < header_.records ? place(i + 1) : bytes_.size();
    if (begin < records_at_ || end < begin || end > bytes_.size() || begin % 8 != 0) {
        return malformed("a record's place is wrong");
    }
    const auto record = parse_record(bytes_.subspan(begin, end - begin));
    if (!record || record->prefix.hole() || record->prefix.control() != control()) {
        return malformed("a record is wrong");
    }
    const RecordPrefix& prefix = record->prefix;
    if (prefix.stream != stream || prefix.type >= header_.names ||
        prefix.id_half >= header_.id_halves) {
        return malformed("a record names what is not there");
    }
    return check_record(*record);
}

RequestSection RequestView::section(std::size_t i) const {
    return load_as<RequestSection>(bytes_.data() + sizeof(RequestHeader) +
                                   i * sizeof(RequestSection));
}

std::uint32_t RequestView::place(std::uint32_t i) const {
    return load_le<std::uint32_t>(bytes_.data() + places_at_ + i * sizeof(std::uint32_t));
}

std::string_view RequestView::name(std::uint16_t index) const {
    const std::byte* ends = bytes_.data() + names_at_ + index * sizeof(std::uint32_t);
    const auto end = load_le<std::uint32_t>(ends);
    const auto begin = index == 0 ? 0 : load_le<std::uint32_t>(ends - sizeof(std::uint32_t));
    return as_text(bytes_.subspan(text_at_ + begin, end - begin));
}

std::string_view RequestView::fence() const {
    return header_.fence == kNone16 ? std::string_view() : name(header_.fence);
}

std::array<std::uint8_t, 8> RequestView::id_half(std::uint16_t index) const {
    return load_as<std::array<std::uint8_t, 8>>(bytes_.data() + id_halves_at_ + index * 8U);
}

Bytes RequestView::record_bytes(std::uint32_t i) const {
    const std::size_t begin = place(i);
    const std::size_t end = i + 1 < header_.records ? place(i + 1) : bytes_.size();
    return bytes_.subspan(begin, end - begin);
}

RecordPrefix RequestView::record_prefix(std::uint32_t i) const {
    return load_as<RecordPrefix>(bytes_.data() + place(i));
}

Uuid RequestView::record_id(std::uint32_t i) const {
    const RecordPrefix prefix = record_prefix(i);
    Uuid id;
    std::memcpy(id.bytes.data(), id_half(prefix.id_half).data(), 8);
    std::memcpy(id.bytes.data() + 8, prefix.id_low.data(), 8);
    return id;
}

Query RequestView::query() const {
    return has_query() ? parse_query(bytes_.subspan(query_at_, header_.query_bytes)) : Query{};
}

}  // namespace skald::wire
