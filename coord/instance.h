// What the keys of an instance hold, and what they say of it. Pure.
//
//   /service/NAME/ID        on the lease of its registration: where it is, and its metadata
//   /service/NAME/ID/alive  on the lease of its liveness: empty
//   /service/NAME/ID/check  on the lease of its registration: what its probe saw last
//
// They belong to the Registration whose leases they are on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coord/record.h"
#include "skald/coord.h"
#include "skald/registry.h"

namespace skald::coord {

struct InstanceKeys {
    InstanceKeys(const std::string& service, const std::string& id);
    std::string instance;
    std::string alive;
    std::string check;
};
// Of all three.
std::vector<Operation> erase(const InstanceKeys& keys);
KeyRange instances_of_all();
KeyRange instances_of(const std::string& service);

// invalid_argument. An empty id is one.
Result<void> check_instance(const InstanceSettings& settings);
Result<void> check_service(const std::string& service);
Result<void> check_id(const std::string& id);

// The value of its first key. invalid_argument: what is to be shown is no UTF-8, or too much.
Result<std::string> text_of(const InstanceSettings& settings, Time registered);

// What a probe saw.
struct Check {
    Time at;
    std::chrono::microseconds took{0};
    std::string failure;  // empty: it succeeded
    bool operator==(const Check&) const = default;
};
std::string text_of(const Check& check);

// Of one service, by id: what the entries of its keys say, in any order.
std::vector<Instance> instances_in(const std::string& service, const std::vector<Entry>& entries);
// In order. Entries in the order of their keys.
std::vector<std::string> services_in(const std::vector<Entry>& entries);
bool wanted(const Instance& instance, const DiscoverOptions& options);

// The leases a Registration has.
struct InstanceLeases {
    LeaseId registration;
    LeaseId liveness;
};
// How its keys are, by its first two entries, which may not be there.
enum class Standing : std::uint8_t {
    sound,
    unheard,   // its liveness ended
    absent,    // its registration ended, or somebody erased it
    anothers,  // another registered with its id later
};
Standing standing_of(const std::optional<Entry>& instance, const std::optional<Entry>& alive,
                     const InstanceLeases& mine);

// Which checks are worth a change in the store: those that differ from the last in how they ended,
// and one each `every`.
class CheckNews {
  public:
    explicit CheckNews(std::chrono::milliseconds every) : every_(every) {}
    bool worth_telling(const Check& check, Monotonic now) const;
    void told(const Check& check, Monotonic now);
    void forget() { last_.reset(); }

  private:
    struct Told {
        std::string failure;
        Monotonic at{};
    };
    std::chrono::milliseconds every_;
    std::optional<Told> last_;
};

}  // namespace skald::coord
