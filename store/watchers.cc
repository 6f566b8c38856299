#include "store/watchers.h"

namespace skald::store {

std::shared_ptr<void> Watchers::add(std::function<void()> watcher) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = next_++;
    watchers_.emplace(id, std::move(watcher));
    return {nullptr, [self = shared_from_this(), id](void*) {
                const std::lock_guard until_told(self->mutex_);
                self->watchers_.erase(id);
            }};
}

void Watchers::tell() {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, watcher] : watchers_) {
        watcher();
    }
}

}  // namespace skald::store
