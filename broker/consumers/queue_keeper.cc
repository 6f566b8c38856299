#include "broker/consumers/queue_keeper.h"

#include <span>
#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace skald::broker {

QueueKeeper::QueueKeeper(Parts parts, std::string stream, const QueueSettings& settings,
                         Amount held)
    : parts_(parts), stream_(std::move(stream)), settings_(settings) {
    parts_.volume.queues().open(stream_, rules(settings_), held);
}

QueueKeeper::~QueueKeeper() {
    SKALD_CHECK(idle(), "the volume still refers to a removal");
    close();
}

// Whoever drops the oldest takes more than its bound first.
store::QueueGate::Rules QueueKeeper::rules(const QueueSettings& settings) {
    store::QueueGate::Rules rules{{settings.max_count, settings.max_bytes}};
    if (settings.when_full == WhenFull::drop_oldest) {
        rules.most.count += limits::kQueueOverCount;
        rules.most.bytes += limits::kQueueOverBytes;
    }
    if (settings.when_full == WhenFull::wait) {
        rules.wait = settings.max_wait;
    }
    return rules;
}

void QueueKeeper::set(const QueueSettings& settings) {
    settings_ = settings;
    parts_.volume.queues().set(stream_, rules(settings));
}

void QueueKeeper::close() {
    if (!std::exchange(closed_, true)) {
        parts_.volume.queues().close(stream_);
    }
}

QueueKeeper::Amount QueueKeeper::held() const {
    return parts_.volume.queues().held(stream_).value_or(Amount{});
}

void QueueKeeper::left(Amount gone) {
    removable_ += gone.count;
    parts_.volume.queues().leave(stream_, gone);
}

QueueKeeper::Amount QueueKeeper::over(Amount done) const {
    if (!drops()) {
        return {};
    }
    const Amount now = held();
    const auto beyond = [](std::uint64_t all, std::uint64_t gone, std::uint64_t most) {
        return all > gone + most ? all - gone - most : 0;
    };
    return {beyond(now.count, done.count, settings_.max_count),
            beyond(now.bytes, done.bytes, settings_.max_bytes)};
}

std::optional<Monotonic> QueueKeeper::next_removal() const {
    if (removable_ == 0 || planned_ || view_) {
        return std::nullopt;
    }
    return removable_ >= limits::kQueueRemoveEvents ? removed_
                                                    : removed_ + limits::kQueueRemoveEvery;
}

void QueueKeeper::plan(store::Removal removal, Monotonic now) {
    planned_ = std::move(removal);
    removable_ = 0;
    removed_ = now;
}

// A stream that is gone, or changed at this moment, has its turn with the next.
void QueueKeeper::begin() {
    if (!planned_ || view_ || closed_) {
        return;
    }
    auto encoded = parts_.volume.encode_removal(stream_, *std::exchange(planned_, std::nullopt));
    if (!encoded) {
        return;
    }
    bytes_ = std::move(*encoded);
    auto view = wire::RequestView::open(as_bytes(bytes_), true);
    SKALD_CHECK(view, "a control record of ours is a request");
    view_ = *view;
    const store::Submission submission{*view_, std::nullopt, &parts_.listener, parts_.tag};
    parts_.volume.submit(std::span(&submission, 1));
}

void QueueKeeper::written(const Result<store::AppendOutcome>& outcome) {
    view_.reset();
    if (!outcome && outcome.error().code == Errc::busy) {
        ++removable_;
    }
}

}  // namespace skald::broker
