#include "cqrs/directory_lease.h"

#include <fmt/format.h>

namespace skald::cqrs {

Result<std::uint64_t> DirectoryLease::acquire(const std::string& name,
                                              std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, wait, [&] { return !held_.contains(name); })) {
        return Error(Errc::busy, fmt::format("another copy of projector {} runs", name));
    }
    auto term = committed_(name);
    if (!term) {
        return term.error();
    }
    return held_[name] = *term + 1;
}

void DirectoryLease::release(const std::string& name, std::uint64_t term) {
    {
        const std::scoped_lock lock(mutex_);
        const auto found = held_.find(name);
        if (found == held_.end() || found->second != term) {
            return;
        }
        held_.erase(found);
    }
    freed_.notify_all();
}

}  // namespace skald::cqrs
