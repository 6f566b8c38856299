// What a workload was told, written before it counts: fixed records in a file that is only appended
// to, in another directory than the store's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "skald/event_store.h"
#include "tests/crash/plan.h"

namespace skald::crash {

enum class Mark : std::uint32_t {
    may_send = 1,  // requests of this lane below `sequence` may be sent from now on
    acknowledged = 2,
};

struct AckRecord {
    Mark mark = Mark::may_send;
    std::uint16_t lane = 0;
    std::uint16_t partition = 0;
    std::uint64_t sequence = 0;
    std::uint64_t version = 0;
    std::uint64_t offset = 0;
    Uuid id;
    std::uint64_t stream = 0;  // a hash of its name
    std::uint64_t check = 0;   // of all above
};
static_assert(sizeof(AckRecord) == 64);

AckRecord ack_of(std::uint16_t lane, std::uint64_t sequence, const Receipt& receipt);
bool same_receipt(const AckRecord& a, const AckRecord& b);
std::uint64_t stream_hash(std::string_view stream);

// Thread safe; one write a record. Ends the process when the file cannot be written.
class AckFile {
  public:
    explicit AckFile(const std::string& path);
    ~AckFile();
    AckFile(const AckFile&) = delete;
    AckFile& operator=(const AckFile&) = delete;
    void append(AckRecord record);

  private:
    int fd_;
};

// What the records say, by lane.
struct Acks {
    std::array<std::map<std::uint64_t, AckRecord>, kLanes> acknowledged;  // by sequence
    std::array<std::uint64_t, kLanes> may_send{};
    std::uint64_t count = 0;  // of acknowledged requests
    bool differed = false;    // a request was acknowledged twice, differently
    void add(const AckRecord& record);
};
std::vector<AckRecord> read_records(const std::string& path);  // none when there is no file
Acks acks_of(std::span<const AckRecord> records);

}  // namespace skald::crash
