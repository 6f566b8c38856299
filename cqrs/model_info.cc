#include "cqrs/model_info.h"

#include "cqrs/position_order.h"

namespace skald::cqrs {

ModelVersionInfo info_of(const VersionStatus& status, const Position& head) {
    ModelVersionInfo info;
    info.version = status.version;
    info.active = status.active;
    info.previous = status.previous;
    info.complete = status.complete;
    info.state = name_of(status.state);
    if (status.error) {
        info.error = status.error->message;
    }
    info.position = to_token(status.position);
    info.lag = left_between(status.position, head);
    if (status.rate > 0) {
        info.eta_s = static_cast<double>(info.lag) / status.rate;
    }
    info.events = status.events;
    info.parked = status.parked;
    info.rate = status.rate;
    info.reruns = status.reruns;
    return info;
}

}  // namespace skald::cqrs
