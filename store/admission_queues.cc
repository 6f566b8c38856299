// Requests and queues: what a queue has no room for is refused.
#include "store/admission.h"

namespace skald::store {

QueueGate::Amount Admission::amount_of(const wire::RequestView& request, std::uint32_t stream) {
    std::uint32_t record = 0;
    for (std::uint32_t i = 0; i < stream; ++i) {
        record += request.stream(i).records;
    }
    const auto section = request.stream(stream);
    QueueGate::Amount amount;
    for (std::uint32_t n = 0; n < section.records; ++n, ++record) {
        ++amount.count;
        amount.bytes += kept_bytes(view_of(request, section, record));
    }
    return amount;
}

Result<void> Admission::enter_queues(const wire::RequestView& request) {
    std::vector<QueueGate::Coming> come;
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const std::string_view stream = request.name(request.stream(i).name);
        if (queues_->held(stream)) {
            come.push_back({stream, amount_of(request, i)});
        }
    }
    if (come.empty()) {
        return {};
    }
    auto more = queues_->enter(come, waited_);
    if (!more) {
        return more.error();
    }
    wait_more_ = *more;
    return more->count() == 0 ? Result<void>() : Error(Errc::busy, "it waits for room in a queue");
}

void Admission::leave_queues(const wire::RequestView& request) const {
    for (std::uint32_t i = 0; i < request.header().streams; ++i) {
        const std::string_view stream = request.name(request.stream(i).name);
        if (queues_->held(stream)) {
            queues_->leave(stream, amount_of(request, i));
        }
    }
}

}  // namespace skald::store
