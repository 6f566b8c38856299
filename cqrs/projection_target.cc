#include "cqrs/projection_target.h"

#include "cqrs/handling.h"

namespace skald::cqrs {

Result<void> ProjectionTarget::handle(const EventView& event) {
    auto ok = begin_event(event);
    if (!ok) {
        return ok;
    }
    ok = guarded([&] { return call_handler(event); });
    if (!ok) {
        undo_event();
    }
    return ok;
}

}  // namespace skald::cqrs
