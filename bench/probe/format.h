// The draft of docs/log_format.md, as far as the probes need it: encode and verify a whole batch,
// cut a slice. Names are shared, an id costs its own eight bytes.
#pragma once
#include <xxhash.h>

#include <unordered_map>

#include "probe.h"

namespace probe {

constexpr uint32_t kMagic = 0x31424B53, kHeaderBytes = 128, kSlice = 8;

struct Event {
    std::string_view stream, type, data;
    uint64_t id_high, id_low, version;
};

struct Header {
    uint32_t magic = kMagic;
    uint16_t version = 1, header_bytes = kHeaderBytes;
    uint32_t flags = 0, bytes = 0;
    uint64_t epoch = 1, base = 0;
    uint32_t records = 0, requests = 0;
    uint64_t high_watermark = 0, clock = 0;
    uint32_t producers = 0, names = 0, text_bytes = 0, halves = 0, crc = 0, zero32 = 0;
    uint64_t zero[2] = {0, 0};
    uint8_t chain_before[16] = {}, chain_after[16] = {};
};
static_assert(sizeof(Header) == kHeaderBytes);

struct Place {
    uint32_t place, crc;
    uint64_t hash;
};
struct Request {
    uint16_t producer, fence;
    uint32_t first, requests, records;
    uint64_t sequence, token;
};
struct Producer {
    uint64_t id[2], epoch;
};
struct Name {
    uint32_t place;
    uint16_t bytes, index;
    uint64_t version;
};
struct Prefix {
    uint16_t stream, type, half, flags;
    uint64_t id;
};
struct Selection {
    uint32_t index, zero;
    uint64_t version;
};
struct SliceHalf {
    uint64_t half;
    uint16_t index, zero[3];
};
static_assert(sizeof(Place) == 16 && sizeof(Request) == 32 && sizeof(Producer) == 24);
static_assert(sizeof(Name) == 16 && sizeof(Prefix) == 16 && sizeof(Selection) == 16);
static_assert(sizeof(SliceHalf) == 16);

inline size_t padded(size_t n) {
    return (n + 7) & ~size_t{7};
}

template <class T>
void write(std::string& out, const std::vector<T>& v) {
    out.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T));
}

inline uint64_t hash_text(std::string_view s) {
    return XXH3_64bits(s.data(), s.size());
}

inline uint64_t record_hash(uint64_t content, uint64_t stream, uint64_t type, uint64_t version) {
    const uint64_t four[4] = {content, stream, type, version};
    return XXH3_64bits(four, sizeof four);
}

// Where the sections of a batch begin.
struct Layout {
    size_t requests, producers, names, halves, text, selection, records;
    explicit Layout(const Header& h)
        : requests(kHeaderBytes + h.records * sizeof(Place)),
          producers(requests + h.requests * sizeof(Request)),
          names(producers + h.producers * sizeof(Producer)),
          halves(names + h.names * sizeof(Name)),
          text(halves + h.halves * (h.flags & kSlice ? sizeof(SliceHalf) : 8)),
          selection(text),
          records(padded(text + h.text_bytes)) {
        if ((h.flags & kSlice) != 0) {  // the selection stands after the id halves
            text += h.records * sizeof(Selection);
            records = padded(text + h.text_bytes);
        }
    }
};

class Encoder {
  public:
    void add(const Event& e) {
        const uint16_t stream = name(e.stream, 0, e.version), type = name(e.type, 1, 0);
        const size_t begin = records_.size(), end = begin + sizeof(Prefix) + e.data.size();
        const size_t pad = padded(end) - end;
        const Prefix p{stream, type, half(e.id_high), static_cast<uint16_t>(pad << 13), e.id_low};
        records_.append(reinterpret_cast<const char*>(&p), sizeof p);
        records_.append(e.data);
        records_.append(pad, '\0');
        const char* r = records_.data() + begin;
        const size_t n = records_.size() - begin;
        places_.push_back(
            {static_cast<uint32_t>(begin), crc32c(r, n),
             record_hash(XXH3_64bits(r, n), hashes_[stream], hashes_[type], e.version)});
    }
    // One producer with one request a record: consecutive, so one entry.
    void finish(std::string& out) {
        Header h;
        h.records = static_cast<uint32_t>(places_.size());
        h.requests = h.producers = 1;
        h.names = static_cast<uint32_t>(names_.size());
        h.halves = static_cast<uint32_t>(halves_.size());
        h.text_bytes = static_cast<uint32_t>(text_.size());
        const size_t begin = Layout(h).records;
        h.bytes = static_cast<uint32_t>(begin + records_.size());
        for (Place& p : places_) {
            p.place += static_cast<uint32_t>(begin);
        }
        out.clear();
        out.resize(kHeaderBytes);
        write(out, places_);
        write(out, std::vector<Request>{{0, 0xffff, 0, h.records, 1, 0, 0}});
        write(out, std::vector<Producer>{{{1, 2}, 1}});
        write(out, names_);
        write(out, halves_);
        out += text_;
        out.resize(begin);
        std::memcpy(out.data(), &h, sizeof h);
        h.crc = crc32c(out.data(), out.size());
        chain(h, out);
        std::memcpy(out.data(), &h, sizeof h);
        out += records_;
    }
    void clear() {
        records_.clear();
        text_.clear();
        places_.clear();
        names_.clear();
        halves_.clear();
        hashes_.clear();
        by_hash_.clear();
    }

  private:
    // A stream and a type of the same text are two entries: the version is the stream's.
    uint16_t name(std::string_view s, uint64_t kind, uint64_t version) {
        const uint64_t hash = hash_text(s);
        const auto [it, fresh] =
            by_hash_.emplace(hash ^ kind, static_cast<uint16_t>(names_.size()));
        if (fresh) {
            names_.push_back({static_cast<uint32_t>(text_.size()), static_cast<uint16_t>(s.size()),
                              it->second, version});
            hashes_.push_back(hash);
            text_.append(s);
        }
        return it->second;
    }
    uint16_t half(uint64_t high) {
        if (halves_.empty() || halves_.back() != high) {
            halves_.push_back(high);
        }
        return static_cast<uint16_t>(halves_.size() - 1);
    }
    static void chain(Header& h, const std::string& out) {
        std::string in(reinterpret_cast<const char*>(h.chain_before), 16);
        const uint64_t fields[5] = {h.epoch, h.base, h.records, h.high_watermark, h.clock};
        in.append(reinterpret_cast<const char*>(fields), sizeof fields);
        const Layout at(h);
        in.append(out, at.requests, at.names - at.requests);
        for (uint32_t i = 0; i < h.records; ++i) {
            in.append(out, kHeaderBytes + i * sizeof(Place) + 8, 8);
        }
        XXH128_canonical_t c;
        XXH128_canonicalFromHash(&c, XXH3_128bits(in.data(), in.size()));
        std::memcpy(h.chain_after, c.digest, sizeof c.digest);
    }
    std::string records_, text_;
    std::vector<Place> places_;
    std::vector<Name> names_;
    std::vector<uint64_t> halves_, hashes_;
    std::unordered_map<uint64_t, uint16_t> by_hash_;  // by hash of the name and kind
};

// What a handler sees of a record. Points into the batch.
struct View {
    std::string_view stream, type, data;
    uint64_t offset, version, id_high, id_low;
};

// Verifies the tables and each record's crc32c and calls `each` with a view. A batch refers to its
// names by position, a slice by the entry's index field: `names_` turns either into an entry.
class Decoder {
  public:
    template <class Each>
    bool decode(std::string_view b, Each each) {
        if (!open(b)) {
            return false;
        }
        const char* base = b.data();
        for (uint32_t i = 0; i < h_.records; ++i) {
            const auto p = load<Place>(base + kHeaderBytes + i * sizeof(Place));
            const size_t end = i + 1 < h_.records
                                   ? load<uint32_t>(base + kHeaderBytes + (i + 1) * sizeof(Place))
                                   : b.size();
            if (p.place + sizeof(Prefix) > end || end > b.size() ||
                crc32c(base + p.place, end - p.place) != p.crc) {
                return false;
            }
            const auto x = load<Prefix>(base + p.place);
            const size_t pad = x.flags >> 13;
            if (x.stream >= names_.size() || x.type >= names_.size() || x.half >= halves_.size() ||
                p.place + sizeof(Prefix) + pad > end) {
                return false;
            }
            View v{names_[x.stream], names_[x.type], {}, h_.base + i, 0, halves_[x.half], x.id};
            v.data = {base + p.place + sizeof(Prefix), end - p.place - sizeof(Prefix) - pad};
            if ((h_.flags & kSlice) != 0) {
                const auto s = load<Selection>(base + at_selection_ + i * sizeof(Selection));
                v.offset = h_.base + s.index;
                v.version = s.version;
            } else {
                v.version = versions_[x.stream]++;
            }
            each(v);
        }
        return true;
    }

  private:
    bool open(std::string_view b) {
        if (b.size() < kHeaderBytes) {
            return false;
        }
        h_ = load<Header>(b.data());
        const Layout at(h_);
        if (h_.magic != kMagic || h_.bytes != b.size() || at.records > b.size()) {
            return false;
        }
        Header zeroed = h_;
        zeroed.crc = 0;
        std::memset(zeroed.chain_before, 0, 32);
        tables_.assign(b.data(), at.records);
        std::memcpy(tables_.data(), &zeroed, sizeof zeroed);
        if (crc32c(tables_.data(), tables_.size()) != h_.crc) {
            return false;
        }
        at_selection_ = at.selection;
        names_.clear();
        versions_.clear();
        halves_.clear();
        for (uint32_t i = 0; i < h_.names; ++i) {
            const auto n = load<Name>(b.data() + at.names + i * sizeof(Name));
            if (n.index >= names_.size()) {
                names_.resize(n.index + 1u);
                versions_.resize(n.index + 1u);
            }
            if (n.place + n.bytes > h_.text_bytes) {
                return false;
            }
            names_[n.index] = b.substr(at.text + n.place, n.bytes);
            versions_[n.index] = n.version;
        }
        const bool slice = (h_.flags & kSlice) != 0;
        for (uint32_t i = 0; i < h_.halves; ++i) {
            const char* p = b.data() + at.halves + i * (slice ? sizeof(SliceHalf) : 8);
            const size_t index = slice ? load<uint16_t>(p + 8) : i;
            halves_.resize(std::max(halves_.size(), index + 1));
            halves_[index] = load<uint64_t>(p);
        }
        return true;
    }
    Header h_;
    size_t at_selection_ = 0;
    std::string tables_;
    std::vector<std::string_view> names_;
    std::vector<uint64_t> versions_, halves_;
};

// The chosen records of a batch with the names they use; every record is copied once.
class Slicer {
  public:
    void cut(std::string_view b, const std::vector<std::pair<uint32_t, uint64_t>>& chosen,
             std::string& out) {
        Header h = load<Header>(b.data());
        const Layout from(h);
        const uint32_t records_before = h.records;
        names_.clear();
        halves_.clear();
        places_.clear();
        picks_.clear();
        used_.assign(h.names + h.halves, false);
        text_.clear();
        records_.clear();
        for (const auto& [index, version] : chosen) {
            auto p = load<Place>(b.data() + kHeaderBytes + index * sizeof(Place));
            const size_t end =
                index + 1 < records_before
                    ? load<uint32_t>(b.data() + kHeaderBytes + (index + 1) * sizeof(Place))
                    : b.size();
            const auto x = load<Prefix>(b.data() + p.place);
            use_name(b, from, h, x.stream);
            use_name(b, from, h, x.type);
            if (!used_[h.names + x.half]) {
                used_[h.names + x.half] = true;
                halves_.push_back(
                    {load<uint64_t>(b.data() + from.halves + x.half * 8), x.half, {}});
            }
            picks_.push_back({index, 0, version});
            const size_t n = end - p.place;
            records_.append(b.substr(p.place, n));
            p.place = static_cast<uint32_t>(records_.size() - n);
            places_.push_back(p);
        }
        h.flags |= kSlice;
        h.records = static_cast<uint32_t>(places_.size());
        h.requests = h.producers = h.crc = 0;
        h.names = static_cast<uint32_t>(names_.size());
        h.halves = static_cast<uint32_t>(halves_.size());
        h.text_bytes = static_cast<uint32_t>(text_.size());
        std::memset(h.chain_before, 0, 32);
        assemble(h, out);
    }

  private:
    void use_name(std::string_view b, const Layout& from, const Header& h, uint16_t i) {
        if (i < h.names && !used_[i]) {
            used_[i] = true;
            auto n = load<Name>(b.data() + from.names + i * sizeof(Name));
            text_.append(b.substr(from.text + n.place, n.bytes));
            n.place = static_cast<uint32_t>(text_.size() - n.bytes);
            names_.push_back(n);
        }
    }
    void assemble(Header& h, std::string& out) {
        const size_t begin = Layout(h).records;
        h.bytes = static_cast<uint32_t>(begin + records_.size());
        for (Place& p : places_) {
            p.place += static_cast<uint32_t>(begin);
        }
        out.assign(reinterpret_cast<const char*>(&h), sizeof h);
        write(out, places_);
        write(out, names_);
        write(out, halves_);
        write(out, picks_);
        out += text_;
        out.resize(begin);
        h.crc = crc32c(out.data(), out.size());
        std::memcpy(out.data(), &h, sizeof h);
        out += records_;
    }
    std::vector<Name> names_;
    std::vector<SliceHalf> halves_;
    std::vector<Place> places_;
    std::vector<Selection> picks_;
    std::vector<bool> used_;
    std::string text_, records_;
};

}  // namespace probe
