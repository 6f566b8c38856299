// A batch of changes by key, in memory, whose last part can be undone. What it holds stays in one
// arena until clear(): no allocation a key.
//
// Threads: one that changes; any once nobody does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace skald::cqrs {

// Bytes that are freed together. Views stay valid until clear(), which keeps the memory.
class ByteArena {
  public:
    // The parts one after the other.
    std::string_view store(std::string_view first, std::string_view second = {});
    std::size_t bytes() const { return bytes_; }
    void clear();

  private:
    struct Block {
        std::unique_ptr<char[]> memory;
        std::size_t size = 0;
    };
    char* room(std::size_t bytes);

    std::vector<Block> blocks_;
    std::size_t block_ = 0;  // the one in use
    std::size_t used_ = 0;   // of it
    std::size_t bytes_ = 0;
};

class ByteMap {
  public:
    // unknown: what is stored counts; absent: it was removed here.
    enum class State : std::uint8_t { unknown, absent, present };
    struct Slot {
        std::string_view key;
        std::string_view value;
        std::uint64_t hash = 0;
        State state = State::unknown;
    };

    // `arena` outlives it, and is cleared with it.
    explicit ByteMap(ByteArena& arena) : arena_(arena) {}

    static std::uint64_t hash_of(std::string_view key);

    // Null when nothing is known of the key.
    const Slot* find(std::string_view key) const;
    // In no order; unknown ones too.
    const std::vector<Slot>& slots() const { return slots_; }
    // `value` is in the arena.
    void put(std::string_view key, std::string_view value) { set(key, value, State::present); }
    void erase(std::string_view key) { set(key, {}, State::absent); }

    // From here on changes are those of one event, until the next call.
    void begin() { undo_.clear(); }
    void undo();

    bool empty() const { return changed_ == 0; }
    std::size_t size() const { return changed_; }
    // In the order of the keys; without unknown ones.
    std::vector<const Slot*> sorted() const;
    void clear();

  private:
    struct Before {
        std::uint32_t slot = 0;
        std::string_view value;
        State state = State::unknown;
    };
    void set(std::string_view key, std::string_view value, State state);
    std::uint32_t& place_of(std::string_view key, std::uint64_t hash);
    const std::uint32_t& place_of(std::string_view key, std::uint64_t hash) const;
    void grow();

    ByteArena& arena_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> places_;  // by hash; kFree, or a slot
    std::vector<Before> undo_;
    std::size_t changed_ = 0;  // slots that are not unknown
};

}  // namespace skald::cqrs
