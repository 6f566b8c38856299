#include "store/ephemeral.h"

#include <utility>

#include "base/check.h"
#include "wire/batch_builder.h"

namespace skald::store {
namespace {

bool is_publishable(const wire::RequestView& request) {
    const wire::RequestHeader& header = request.header();
    return header.flags == 0 && header.streams == 1 && header.checks == 0 && header.records == 1 &&
           request.stream(0).expectation() == Expected::any() && request.fence().empty() &&
           !request.has_query();
}

}  // namespace

Result<EphemeralEvent> EphemeralHub::make(const wire::RequestView& request) const {
    if (!is_publishable(request)) {
        return Error(Errc::invalid_argument,
                     "an ephemeral event is one event of one stream, without expectation, check, "
                     "fence or flag");
    }
    wire::BatchBuilder builder;
    builder.begin(Epoch{}, Offset{}, {});
    const Version none;
    builder.add(request, {&none, 1}, nullptr);
    const std::string bytes = builder.finish(Offset{}, static_cast<std::uint64_t>(clock_.now().us));
    // A copy: the builder's has room for thousands of events.
    EphemeralEvent event{std::make_shared<const std::string>(std::string_view(bytes)), {}};
    const auto batch = wire::BatchView::open(as_bytes(*event.frame));
    SKALD_CHECK(batch, "what was built cannot be opened");
    wire::EventCursor cursor(*batch);
    SKALD_CHECK(cursor.next(), "the event is not in its batch");
    event.view = cursor.event();
    event.view.ephemeral = true;
    return event;
}

Result<void> EphemeralHub::publish(Bytes request) {
    const auto view = wire::RequestView::open(request);
    if (!view) {
        return view.error();
    }
    const auto event = make(*view);
    if (!event) {
        return event.error();
    }
    Result<void> relayed;
    relays_.each([&](const Relay& relay) { relayed = relayed ? relay(*event) : relayed; });
    if (relayed) {
        deliver(*event);
    }
    return relayed;
}

void EphemeralHub::deliver(const EphemeralEvent& event) {
    sinks_.each([&](const Sink& sink) { sink(event); });
}

void EphemeralQueue::offer(const EphemeralEvent& event) {
    if (!live_) {
        return;
    }
    // What was dropped before is told behind what waits: nothing may overtake it.
    if (taken_.dropped != 0 || taken_.events.size() >= events_max_ || bytes_ >= bytes_max_) {
        ++taken_.dropped;
        return;
    }
    bytes_ += event.frame->size();
    taken_.events.push_back(event);
}

EphemeralQueue::Taken EphemeralQueue::take() {
    bytes_ = 0;
    return std::exchange(taken_, {});
}

void tell(SubscriptionHandler& handler, const EphemeralQueue::Taken& taken,
          const std::function<bool()>& stopped) {
    for (const EphemeralEvent& event : taken.events) {
        if (stopped()) {
            return;
        }
        handler.on_ephemeral(event.view);
    }
    if (taken.dropped != 0 && !stopped()) {
        handler.on_dropped(taken.dropped);
    }
}

}  // namespace skald::store
