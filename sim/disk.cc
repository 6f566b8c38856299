#include "sim/disk.h"

#include "broker/replication/planted.h"

namespace skald::sim {

using namespace std::chrono_literals;
using broker::replication::Fault;
using broker::replication::planted;

void Disk::write(std::function<void(Durable&)> change, std::function<void()> done) {
    writes_.push_back({std::move(change), std::move(done)});
    if (writes_.size() == 1) {
        next();
    }
}

void Disk::next() {
    const Monotonic time =
        slow_ || chance_.per_mille(5) ? chance_.between(5ms, 300ms) : chance_.between(100us, 2ms);
    schedule_.after(time, [this, crashes = crashes_] {
        if (crashes != crashes_) {
            return;
        }
        const Write write = std::move(writes_.front());
        writes_.pop_front();
        write.change(durable_);
        if (!writes_.empty()) {
            next();
        }
        if (planted(Fault::answers_before_sync)) {
            sync_later();
        }
        write.done();
    });
}

void Disk::sync_later() {
    schedule_.after(100ms, [this, crashes = crashes_, now = durable_] {
        if (crashes == crashes_) {
            synced_ = now;
        }
    });
}

void Disk::crash() {
    if (!writes_.empty() && chance_.per_mille(500)) {
        writes_.front().change(durable_);
    }
    if (planted(Fault::answers_before_sync)) {
        synced_.node = durable_.node;
        synced_.incarnation = durable_.incarnation;
        durable_ = synced_;
    }
    writes_.clear();
    ++crashes_;
}

}  // namespace skald::sim
