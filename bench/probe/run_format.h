// An index in memory (the tail) and as entries in the blocks of a run.
#pragma once
#include <xxhash.h>

#include <numeric>

#include "probe.h"

namespace probe {

constexpr uint32_t kCategories = 16, kTypes = 32;
constexpr uint64_t kTailEvents = 65536;
constexpr size_t kBlockBytesMax = 65536 - 16, kEntryBytesMax = 32 << 10, kFanIn = 4;

enum class Kind : uint8_t { stream, category, type };

struct Posting {
    uint64_t hash;
    uint32_t name, offset, version;
    Kind kind;
};

// Makes the name into `out` (at least 16 bytes) and returns its length.
inline size_t name_of(Kind kind, uint32_t number, char* out) {
    std::memcpy(out,
                kind == Kind::stream     ? "account-"
                : kind == Kind::category ? "cats----"
                                         : "Type----",
                8);
    for (int i = 14; i >= 8; --i, number /= 10) {
        out[i] = static_cast<char>('0' + number % 10);
    }
    return 15;
}

inline uint64_t hash_of(Kind kind, uint32_t number) {
    char name[16];
    return XXH3_64bits_withSeed(name, name_of(kind, number, name), static_cast<uint64_t>(kind));
}

inline void put_varint(std::string& out, uint64_t v) {
    for (; v >= 128; v >>= 7) {
        out.push_back(static_cast<char>(v | 128));
    }
    out.push_back(static_cast<char>(v));
}

inline uint64_t get_varint(const char*& p) {
    uint64_t v = 0;
    for (int shift = 0;; shift += 7) {
        const auto b = static_cast<unsigned char>(*p++);
        v |= uint64_t{b & 127u} << shift;
        if (b < 128) {
            return v;
        }
    }
}

// The newest events' index: their places by key, and a table from a hash to its key.
class Tail {
  public:
    Tail() : slots_(kTailEvents * 4, UINT32_MAX) { places_.reserve(kTailEvents * 3); }
    void add(Kind kind, uint32_t name, uint32_t offset, uint32_t version) {
        const uint64_t hash = hash_of(kind, name);
        size_t i = hash & (slots_.size() - 1);
        while (slots_[i] != UINT32_MAX && keys_[slots_[i]].hash != hash) {
            i = (i + 1) & (slots_.size() - 1);
        }
        if (slots_[i] == UINT32_MAX) {
            slots_[i] = static_cast<uint32_t>(keys_.size());
            keys_.push_back({hash, name, 0, kind});
        }
        ++keys_[slots_[i]].count;
        places_.push_back({slots_[i], offset, version});
    }
    // By hash, then offset: only the keys are sorted, the places are dealt out to them.
    std::vector<Posting> sorted() const {
        std::vector<uint32_t> order(keys_.size());
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(),
                  [&](uint32_t a, uint32_t b) { return keys_[a].hash < keys_[b].hash; });
        std::vector<uint32_t> at(keys_.size());
        uint32_t sum = 0;
        for (uint32_t k : order) {
            at[k] = sum;
            sum += keys_[k].count;
        }
        std::vector<Posting> out(places_.size());
        for (const Place& p : places_) {
            const Key& k = keys_[p.key];
            out[at[p.key]++] = {k.hash, k.name, p.offset, p.version, k.kind};
        }
        return out;
    }

  private:
    struct Key {
        uint64_t hash;
        uint32_t name, count;
        Kind kind;
    };
    struct Place {
        uint32_t key, offset, version;
    };
    std::vector<uint32_t> slots_;
    std::vector<Key> keys_;
    std::vector<Place> places_;
};

// hash (8) | name bytes | name | varints: first offset, first version, count, deltas
struct Entry {
    uint64_t hash = 0, first = 0, version = 0, count = 0, last = 0;
    std::string name, deltas;
    void encode(std::string& out) const {
        out.append(reinterpret_cast<const char*>(&hash), 8);
        out.push_back(static_cast<char>(name.size()));
        out.append(name);
        put_varint(out, first);
        put_varint(out, version);
        put_varint(out, count);
        out.append(deltas);
    }
    static Entry decode(const char* p, const char* end) {
        Entry e;
        e.hash = load<uint64_t>(p);
        const auto n = static_cast<unsigned char>(p[8]);
        e.name.assign(p + 9, n);
        p += 9 + n;
        e.first = get_varint(p);
        e.version = get_varint(p);
        e.count = get_varint(p);
        e.deltas.assign(p, static_cast<size_t>(end - p));
        e.last = e.first;
        while (p < end) {
            e.last += get_varint(p);
        }
        return e;
    }
    bool join(const Entry& next) {
        if (next.hash != hash || next.name != name ||
            deltas.size() + next.deltas.size() > kEntryBytesMax) {
            return false;
        }
        put_varint(deltas, next.first - last);
        deltas += next.deltas;
        last = next.last;
        count += next.count;
        return true;
    }
};

// Entries, then a u16 place for each, then their u16 count.
struct BlockView {
    const char* data;
    size_t size, count;
    explicit BlockView(std::string_view s)
        : data(s.data()), size(s.size()), count(load<uint16_t>(s.data() + s.size() - 2)) {}
    const char* at(size_t i) const {
        const char* places = data + size - 2 - 2 * count;
        return i == count ? places : data + load<uint16_t>(places + 2 * i);
    }
    uint64_t hash(size_t i) const { return load<uint64_t>(at(i)); }
};

struct Run {
    uint64_t id = 0;
    uint32_t level = 0;
    std::vector<uint64_t> fences;  // the first hash of each block
};

}  // namespace probe
