#include "store/inline_handlers.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace skald::store {

Result<void> InlineHandlers::apply(std::span<const EventView> request) {
    for (auto handler = handlers_.begin(); handler != handlers_.end(); ++handler) {
        auto ok = (*handler)->apply(request);
        if (!ok) {
            while (handler != handlers_.begin()) {
                (*--handler)->undo();
            }
            return ok;
        }
    }
    return {};
}

Result<void> InlineHandlers::write(lmdb::WriteTxn& txn, const Position& end) {
    for (InlineHandler* handler : handlers_) {
        if (auto ok = handler->write(txn, end); !ok) {
            return ok;
        }
    }
    return {};
}

void InlineHandlers::settle(bool committed) {
    for (InlineHandler* handler : handlers_) {
        committed ? handler->committed() : handler->abandoned();
    }
}

Result<void> InlineHandlers::claim(const std::string& name) {
    const std::scoped_lock lock(names_mutex_);
    if (names_.contains(name)) {
        return Error(Errc::already_exists,
                     fmt::format("an inline projection {} is attached already", name));
    }
    if (names_.size() >= limits::kInlineHandlersMax) {
        return Error(Errc::request_too_large,
                     fmt::format("{} inline projections are attached; detach one", names_.size()));
    }
    names_.insert(name);
    return {};
}

void InlineHandlers::release(const std::string& name) {
    const std::scoped_lock lock(names_mutex_);
    names_.erase(name);
}

}  // namespace skald::store
