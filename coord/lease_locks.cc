#include "coord/lease_locks.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "coord/followed.h"
#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

constexpr std::string_view kLocks = "/lock/";
constexpr std::string_view kTaken = "/lock-taken/";

std::string claims_on(std::string_view name) {
    return fmt::format("{}{}/", kLocks, name);
}

Result<void> check_lock_name(std::string_view name) {
    return check_name("a lock's name", name, kLockNameBytesMax);
}

// Of a key below its lock's.
std::string name_of(const Entry& entry) {
    const std::string rest = entry.key.substr(kLocks.size());
    return rest.substr(0, rest.find('/'));
}

std::string owner_of(const Entry& entry) {
    return text_in(record_of(entry.value), "owner");
}

bool older(const Entry& a, const Entry& b) {
    return a.created < b.created;
}

}  // namespace

// Follows its keys, so that it is known when somebody took one away.
class LeaseLocks::Held final : public Lock {
  public:
    Held(LeaseLocks& locks, std::shared_ptr<LeaseKeeper::Kept> lease)
        : locks_(locks), lease_(std::move(lease)) {}
    ~Held() override { (void)release(); }

    void add(std::string name, const Entry& entry) { entries_.emplace(std::move(name), entry); }
    // Once it has all.
    Result<void> follow() {
        std::vector<KeyRange> keys;
        for (const auto& [name, entry] : entries_) {
            keys.push_back(KeyRange::one(entry.key));
        }
        followed_ = std::make_unique<Followed>(
            locks_.coord_, std::move(keys),
            FollowHandler{[this](const auto& found) { return look(found); }, {}});
        return followed_->begin();
    }
    bool held() const override {
        const std::lock_guard lock(mutex_);
        return lease_ != nullptr && !lost_ && locks_.keeper_.alive(*lease_);
    }
    // Whether all of it is there at one moment.
    Result<void> check() const {
        const auto done = locks_.coord_.txn({still_mine(), {}, {}});
        if (!done) {
            return done.error();
        }
        return done->succeeded ? Result<void>() : lost();
    }
    std::uint64_t token(std::string_view name) const override {
        const auto it = entries_.find(name);
        return it == entries_.end() ? 0 : it->second.created.value;
    }
    Result<void> release() override {
        std::shared_ptr<LeaseKeeper::Kept> lease;
        {
            const std::lock_guard lock(mutex_);
            lease.swap(lease_);
        }
        if (lease == nullptr) {
            return Error(Errc::not_found, "the lock was released before");
        }
        followed_.reset();
        // Its keys go with the lease in any case.
        return check();
    }

  private:
    // What was found is in the order of the names.
    Follow look(const std::vector<std::vector<Entry>>& found) {
        auto entry = entries_.begin();
        for (const std::vector<Entry>& one : found) {
            if (one.empty() || one.front().created != entry->second.created) {
                lost_ = true;
                return Follow::no_more;
            }
            ++entry;
        }
        return Follow::on;
    }
    static Error lost() { return {Errc::not_found, "the lock was lost before"}; }
    std::vector<Compare> still_mine() const {
        std::vector<Compare> compares;
        for (const auto& [name, entry] : entries_) {
            compares.push_back(
                {entry.key, Compare::Field::created, Compare::Is::equal, entry.created.value, {}});
        }
        return compares;
    }

    LeaseLocks& locks_;
    std::map<std::string, Entry, std::less<>> entries_;
    mutable std::mutex mutex_;
    std::shared_ptr<LeaseKeeper::Kept> lease_;  // guarded by mutex_; none: it was released
    std::atomic<bool> lost_{false};
    std::unique_ptr<Followed> followed_;  // calls the rest
};

Result<std::unique_ptr<Lock>> LeaseLocks::acquire(std::vector<std::string> names,
                                                  const LockOptions& options) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.empty() || names.size() > kLockNamesMax) {
        return refused(fmt::format("1 to {} locks at a time", kLockNamesMax));
    }
    for (const std::string& name : names) {
        if (auto ok = check_lock_name(name); !ok) {
            return ok.error();
        }
    }
    if (auto ok = check_text("an owner", options.owner, kLockTextBytesMax); !ok) {
        return ok.error();
    }
    if (options.wait.count() < 0 || options.wait > kLockWaitMax) {
        return refused("a lock is waited for up to 24 h");
    }
    auto lease = keeper_.grant(options.ttl);
    if (!lease) {
        return lease.error();
    }
    const Claim claim{*lease, options.owner, clock_.monotonic() + options.wait,
                      options.wait.count() != 0, options.stop};
    auto held = std::make_unique<Held>(*this, *lease);
    for (const std::string& name : names) {
        auto entry = take(name, claim);
        if (!entry) {
            return entry.error();
        }
        held->add(name, *entry);
    }
    // What came first may be lost since.
    auto ok = names.size() == 1 ? Result<void>() : held->check();
    ok = ok ? held->follow() : ok;
    if (!ok) {
        return ok.error();
    }
    return std::unique_ptr<Lock>(std::move(held));
}

// Its place among those who want the name is kept from now on; back when it is the first.
Result<Entry> LeaseLocks::take(const std::string& name, const Claim& claim) {
    const std::string key = fmt::format("{}{:016x}", claims_on(name), claim.lease->id().value);
    const Record record{{"owner", claim.owner}, {"since_us", clock_.now().us}};
    const auto put =
        coord_.txn({{Compare::absent(key)}, {Put{key, text_of(record), claim.lease->id()}}, {}});
    if (!put) {
        return put.error();
    }
    for (;;) {
        auto listing = coord_.get(KeyRange::prefix(claims_on(name)), Reading::linearizable);
        if (!listing) {
            return listing.error();
        }
        std::sort(listing->entries.begin(), listing->entries.end(), older);
        const auto mine = std::find_if(listing->entries.begin(), listing->entries.end(),
                                       [&](const Entry& entry) { return entry.key == key; });
        if (mine == listing->entries.end()) {
            return Error(Errc::timed_out,
                         fmt::format("the lease ended while the lock {} was waited for", name));
        }
        if (mine == listing->entries.begin()) {
            return *mine;
        }
        if (auto ok = await_turn(name, *std::prev(mine), listing->revision, claim); !ok) {
            return ok.error();
        }
    }
}

// Until the one before is gone, or may be.
Result<void> LeaseLocks::await_turn(const std::string& name, const Entry& before, Revision seen,
                                    const Claim& claim) {
    if (!claim.waits) {
        return Error(Errc::busy,
                     fmt::format("the lock {} is wanted by {} already", name, owner_of(before)));
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool gone = false;
    const auto go = [&] {
        const std::lock_guard lock(mutex);
        gone = true;
        changed.notify_all();
    };
    const std::stop_callback stopped(claim.stop, go);
    const auto watch = coord_.watch(
        KeyRange::one(before.key), seen + 1,
        {[&](Revision, const std::vector<Change>&) { go(); }, [&](WatchEnd) { go(); }});
    if (!watch) {
        return watch.error();
    }
    std::unique_lock lock(mutex);
    while (!gone || claim.stop.stop_requested()) {
        const Monotonic now = clock_.monotonic();
        if (now >= claim.deadline || claim.stop.stop_requested()) {
            return Error(Errc::timed_out, fmt::format("the lock {} was not free in time: {} is "
                                                      "before us",
                                                      name, owner_of(before)));
        }
        changed.wait_for(lock, claim.deadline - now);
    }
    return {};
}

Result<std::vector<LockStatus>> LeaseLocks::list() {
    auto listing = coord_.get(KeyRange::prefix(std::string(kLocks)), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    std::sort(listing->entries.begin(), listing->entries.end(), older);
    std::map<std::string, LockStatus> by_name;
    for (const Entry& entry : listing->entries) {
        LockStatus& status = by_name[name_of(entry)];
        if (!status.name.empty()) {
            status.waiters.push_back(owner_of(entry));
            continue;
        }
        const Record record = record_of(entry.value);
        status = {name_of(entry),
                  text_in(record, "owner"),
                  entry.created.value,
                  time_in(record, "since_us"),
                  {}};
    }
    std::vector<LockStatus> all;
    for (auto& [name, status] : by_name) {
        all.push_back(std::move(status));
    }
    return all;
}

Result<void> LeaseLocks::take_away(const std::string& name, const std::string& by,
                                   const std::string& reason) {
    auto ok = check_lock_name(name);
    ok = ok ? check_text("who takes a lock away", by, kLockTextBytesMax) : ok;
    ok = ok ? check_text("a reason", reason, kLockTextBytesMax) : ok;
    if (!ok) {
        return ok;
    }
    auto listing = coord_.get(KeyRange::prefix(claims_on(name)), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    const auto holder = std::min_element(listing->entries.begin(), listing->entries.end(), older);
    const Error nobody(Errc::not_found, fmt::format("nobody holds the lock {}", name));
    if (holder == listing->entries.end()) {
        return nobody;
    }
    const Record record{
        {"owner", owner_of(*holder)}, {"by", by}, {"reason", reason}, {"at_us", clock_.now().us}};
    const auto done = coord_.txn(
        {{Compare::unchanged(holder->key, holder->modified)},
         {Erase{KeyRange::one(holder->key)}, Put{std::string(kTaken) + name, text_of(record), {}}},
         {}});
    if (!done) {
        return done.error();
    }
    return done->succeeded ? Result<void>() : nobody;
}

Result<std::vector<LockBreak>> LeaseLocks::taken_away() {
    auto listing = coord_.get(KeyRange::prefix(std::string(kTaken)), Reading::linearizable);
    if (!listing) {
        return listing.error();
    }
    std::vector<LockBreak> all;
    for (const Entry& entry : listing->entries) {
        const Record record = record_of(entry.value);
        all.push_back({entry.key.substr(kTaken.size()), text_in(record, "owner"),
                       text_in(record, "by"), text_in(record, "reason"), time_in(record, "at_us")});
    }
    return all;
}

std::unique_ptr<Locks> open_locks(Coord& coord, const Clock& clock) {
    return std::make_unique<LeaseLocks>(coord, clock);
}

}  // namespace skald::coord
