#include "coord/lease_locks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include "coord/limits.h"

namespace skald::coord {
namespace {

constexpr std::string_view kLocks = "/lock/";
constexpr std::string_view kTaken = "/lock-taken/";

std::string claims_on(std::string_view name) {
    return fmt::format("{}{}/", kLocks, name);
}

Error refused(std::string message) {
    return {Errc::invalid_argument, std::move(message)};
}

bool is_text(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max &&
           std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<void> check_name(std::string_view name) {
    return is_text(name, kLockNameBytesMax) && name.find('/') == std::string_view::npos
               ? Result<void>()
               : refused(fmt::format("a lock is called by 1-{} bytes without `/`: {:?} is not",
                                     kLockNameBytesMax, name));
}

Result<void> check_text(std::string_view what, std::string_view text) {
    return is_text(text, kLockTextBytesMax)
               ? Result<void>()
               : refused(fmt::format("{} has 1-{} bytes, no control characters", what,
                                     kLockTextBytesMax));
}

// A time and texts, one a line.
std::string lines(Time time, std::initializer_list<std::string_view> texts) {
    return fmt::format("{}\n{}", time.us, fmt::join(texts, "\n"));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    parts.emplace_back(text);
    return parts;
}

Time time_of(std::string_view text) {
    Time time;
    std::from_chars(text.data(), text.data() + text.size(), time.us);
    return time;
}

// Of a key below its lock's.
std::string name_of(const Entry& entry) {
    const std::string rest = entry.key.substr(kLocks.size());
    return rest.substr(0, rest.find('/'));
}

std::string owner_of(const Entry& entry) {
    const auto parts = split(entry.value);
    return parts.size() > 1 ? parts[1] : std::string();
}

bool older(const Entry& a, const Entry& b) {
    return a.created < b.created;
}

}  // namespace

// Watches its keys, so that it is known when somebody took one away.
class LeaseLocks::Held final : public Lock {
  public:
    Held(LeaseLocks& locks, std::shared_ptr<LeaseKeeper::Kept> lease)
        : locks_(locks), lease_(std::move(lease)) {}
    ~Held() override { (void)release(); }

    Result<void> add(std::string name, const Entry& entry, Revision from) {
        auto watch =
            locks_.coord_.watch(KeyRange::one(entry.key), from,
                                {[this](Revision, const std::vector<Change>&) { lost_ = true; },
                                 [this](WatchEnd) { lost_ = true; }});
        if (!watch) {
            return watch.error();
        }
        watches_.push_back(std::move(*watch));
        entries_.emplace(std::move(name), entry);
        return {};
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
        watches_.clear();
        // Its keys go with the lease in any case.
        return check();
    }

  private:
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
    std::vector<std::unique_ptr<Watch>> watches_;
};

Result<std::unique_ptr<Lock>> LeaseLocks::acquire(std::vector<std::string> names,
                                                  const LockOptions& options) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.empty() || names.size() > kLockNamesMax) {
        return refused(fmt::format("1 to {} locks at a time", kLockNamesMax));
    }
    for (const std::string& name : names) {
        if (auto ok = check_name(name); !ok) {
            return ok.error();
        }
    }
    if (auto ok = check_text("an owner", options.owner); !ok) {
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
                      options.wait.count() != 0};
    auto held = std::make_unique<Held>(*this, *lease);
    for (const std::string& name : names) {
        auto entry = take(name, claim);
        if (!entry) {
            return entry.error();
        }
        // From its own revision on: what happened to it since is told as well.
        if (auto ok = held->add(name, *entry, entry->created + 1); !ok) {
            return ok.error();
        }
    }
    // What came first may be lost since.
    if (auto ok = names.size() == 1 ? Result<void>() : held->check(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<Lock>(std::move(held));
}

// Its place among those who want the name is kept from now on; back when it is the first.
Result<Entry> LeaseLocks::take(const std::string& name, const Claim& claim) {
    const std::string key = fmt::format("{}{:016x}", claims_on(name), claim.lease->id().value);
    const auto put = coord_.txn({{Compare::absent(key)},
                                 {Put{key, lines(clock_.now(), {claim.owner}), claim.lease->id()}},
                                 {}});
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
    const auto watch = coord_.watch(
        KeyRange::one(before.key), seen + 1,
        {[&](Revision, const std::vector<Change>&) { go(); }, [&](WatchEnd) { go(); }});
    if (!watch) {
        return watch.error();
    }
    std::unique_lock lock(mutex);
    while (!gone) {
        const Monotonic now = clock_.monotonic();
        if (now >= claim.deadline) {
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
        status = {name_of(entry), owner_of(entry), entry.created.value, time_of(entry.value), {}};
    }
    std::vector<LockStatus> all;
    for (auto& [name, status] : by_name) {
        all.push_back(std::move(status));
    }
    return all;
}

Result<void> LeaseLocks::take_away(const std::string& name, const std::string& by,
                                   const std::string& reason) {
    auto ok = check_name(name);
    ok = ok ? check_text("who takes a lock away", by) : ok;
    ok = ok ? check_text("a reason", reason) : ok;
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
    const auto done = coord_.txn({{Compare::unchanged(holder->key, holder->modified)},
                                  {Erase{KeyRange::one(holder->key)},
                                   Put{std::string(kTaken) + name,
                                       lines(clock_.now(), {owner_of(*holder), by, reason}),
                                       {}}},
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
        auto parts = split(entry.value);
        parts.resize(4);
        all.push_back(
            {entry.key.substr(kTaken.size()), parts[1], parts[2], parts[3], time_of(parts[0])});
    }
    return all;
}

std::unique_ptr<Locks> open_locks(Coord& coord, const Clock& clock) {
    return std::make_unique<LeaseLocks>(coord, clock);
}

}  // namespace skald::coord
