#include "wire/request_tables.h"

namespace skald::wire {

std::uint16_t NameNumbers::number(std::string_view name) {
    if (count_ <= few_.size()) {
        for (std::size_t i = 0; i < count_; ++i) {
            if (few_[i] == name) {
                return static_cast<std::uint16_t>(i);
            }
        }
    } else if (const auto known = numbers_.find(name); known != numbers_.end()) {
        return known->second;
    }
    return add(name);
}

std::uint16_t NameNumbers::add(std::string_view name) {
    if (count_ == few_.size()) {
        for (std::size_t i = 0; i < count_; ++i) {
            numbers_.emplace(few_[i], static_cast<std::uint16_t>(i));
        }
    }
    const auto number = static_cast<std::uint16_t>(count_++);
    if (number < few_.size()) {
        few_[number] = name;
    } else {
        many_.push_back(name);
        numbers_.emplace(name, number);
    }
    return number;
}

std::uint16_t IdHalves::number(const Uuid& id) {
    const auto half = load_le<std::uint64_t>(id.bytes.data());
    if (bytes_.empty() || half != last_) {
        append_as(bytes_, half);
        last_ = half;
    }
    return static_cast<std::uint16_t>(size() - 1);
}

RecordPrefix prefix_of(const NewEvent& event, IdSource& ids, IdHalves& halves, Uuid& id) {
    id = event.id ? *event.id : ids.next();
    RecordPrefix prefix;
    prefix.id_half = halves.number(id);
    std::memcpy(prefix.id_low.data(), id.bytes.data() + 8, 8);
    return prefix;
}

void begin_request(std::string& out, std::size_t bytes) {
    out.clear();
    out.reserve(bytes);
    out.resize(sizeof(RequestHeader));
}

void append_section(std::string& out, RequestHeader& header, std::uint16_t name, Expected expected,
                    std::size_t records) {
    RequestSection section;
    section.name = name;
    section.expected = static_cast<std::uint8_t>(expected.kind());
    section.records = static_cast<std::uint32_t>(records);
    section.version = expected.version().value;
    append_as(out, section);
    ++(records != 0 ? header.streams : header.checks);
}

void seal_request(std::string& out, RequestHeader& header) {
    header.bytes = static_cast<std::uint32_t>(out.size());
    std::memcpy(out.data(), &header, sizeof header);
    header.crc = request_crc(as_bytes(out));
    store_le(out.data() + offsetof(RequestHeader, crc), header.crc);
}

}  // namespace skald::wire
